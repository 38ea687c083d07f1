"""What both sides are given: a request's attributes, its histogram's, a caller's header."""

CONSTANT = {
    "http.request.method": "GET",
    "http.route": "/plants/{id}",
    "url.scheme": "http",
    "network.protocol.version": "1.1",
}
VARYING = {
    "http.response.status_code": 200,
    "url.path": "/plants/17",
    "server.address": "plants.example.org",
    "server.port": 443,
    "client.address": "192.0.2.17",
    "user_agent.original": "curl/8.5.0",
}
METRIC = {**CONSTANT, "http.response.status_code": 200}
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
