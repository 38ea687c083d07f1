"""A service that starts uvicorn itself."""

import sys

import uvicorn

if __name__ == "__main__":
    uvicorn.run("bare:asgi", port=int(sys.argv[1]), log_level="warning")
    sys.stdout.write("left\n")
