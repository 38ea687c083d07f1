"""Ways to fork and to leave that programs have; each records before and, where it can, afterwards."""

import contextlib
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time


def work(name="parent"):
    connection = sqlite3.connect(":memory:")
    connection.execute(f"SELECT 1 AS {name}").fetchall()
    connection.close()
    return name


def status(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def daemonize():
    """Become a daemon as servers of old do: fork twice, leave the session, close every descriptor, and work on."""
    done, telling = os.pipe()
    child = os.fork()
    if child:
        print("first", status(child))
        os.close(telling)
        print(os.read(done, 10))
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in range(3, 256):
        if number != telling:
            with contextlib.suppress(OSError):
                os.close(number)
    os.chdir("/")
    os.umask(0)
    work("child")
    time.sleep(0.3)
    os.write(telling, b"well")
    sys.exit(0)


def closes_all():
    """Close every descriptor but the standard ones in the midst of work, open others in their place, and work on."""
    time.sleep(0.3)
    os.closerange(3, 256)
    files = [open("/dev/null") for _ in range(20)]
    for _ in range(10):
        work("child")
        time.sleep(0.05)
    print([os.readlink(f"/proc/self/fd/{each.fileno()}") for each in files] == ["/dev/null"] * 20)
    for each in files:
        each.close()


def drops_environment():
    """Empty the environment, as programs do that hold secrets in it."""
    os.environ.clear()
    work("child")


def crashes():
    """Children that end in every hard way there is do not take the parent with them."""

    def segfault():
        import ctypes

        ctypes.string_at(0)

    ways = (
        os.abort,
        segfault,
        lambda: os.kill(os.getpid(), signal.SIGKILL),
        lambda: os._exit(9),
        lambda: os.kill(os.getpid(), signal.SIGTERM),
    )
    ended = []
    for way in ways:
        child = os.fork()
        if not child:
            import resource

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            work("child")
            way()
            os._exit(1)
        ended.append(status(child))
    print(ended)
    work()


def exits():
    """`os._exit` is the program's own affair: nothing of ours holds it up."""
    sys.stdout.write("leaves\n")
    sys.stdout.flush()
    os._exit(5)


def aborts():
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()


def deep_forks():
    """Fork a child that forks a child, twenty times; each waits for its own and leaves with one more than it."""

    def descend(depth):
        work("child")
        if depth == 0:
            return 0
        child = os.fork()
        if not child:
            os._exit(descend(depth - 1)) if depth % 2 else sys.exit(descend(depth - 1))
        return status(child) + 1

    print(descend(12))


def managers():
    """Managers, queues and shared memory between processes, whose helpers fork too."""
    with multiprocessing.Manager() as manager:
        shared = manager.dict()
        children = [multiprocessing.Process(target=shared.__setitem__, args=(number, work("child"))) for number in range(4)]
        for each in children:
            each.start()
        for each in children:
            each.join()
        print(sorted(shared.items()), [each.exitcode for each in children])
    from multiprocessing import shared_memory

    block = shared_memory.SharedMemory(create=True, size=16)
    block.close()
    block.unlink()


def fork_in_thread():
    """A child that was forked in a thread works on in a process that has this one thread, and leaves by `sys.exit`."""
    ended = []

    def forks():
        child = os.fork()
        if not child:
            work("child")
            sys.exit(4)  # ends the thread, which is the last
        ended.append(status(child))

    threads = [threading.Thread(target=forks) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    print(ended)


def storm():
    """Three hundred forks, most of them of nothing but a child that ends."""
    ended = set()
    for number in range(300):
        child = os.fork()
        if not child:
            if number % 100 == 0:
                work("child")
            os._exit(0)
        ended.add(status(child))
    print(ended)


def pty():
    child, terminal = os.forkpty()
    if not child:
        work("child")
        print("in a terminal")
        sys.exit(2)
    said = b""
    with contextlib.suppress(OSError):
        while part := os.read(terminal, 100):
            said += part
    print(said, status(child))


def spawned():
    """Programs that are started by every means there is."""
    words = [sys.executable, "-c", "print('child', flush=True)"]
    print(subprocess.run(words, capture_output=True, check=False).stdout, os.spawnv(os.P_WAIT, words[0], words))
    print(status(os.posix_spawn(words[0], words, os.environ)), os.system("exit 3"), subprocess.getoutput("echo $0"))
    print(subprocess.run(words, close_fds=False, start_new_session=True, check=False).returncode, os.popen("echo x").read())
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", "import time; time.sleep(30)"], timeout=0.3, check=False)


def signals():
    """Wait for signals and handle them in every way there is."""
    seen = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append((number, frame.f_code.co_name, work("child"))))
    signal.signal(signal.SIGHUP, lambda number, _: seen.append(number))
    signal.siginterrupt(signal.SIGTERM, False)
    os.kill(os.getpid(), signal.SIGTERM)
    signal.raise_signal(signal.SIGHUP)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    os.kill(os.getpid(), signal.SIGUSR1)
    print(signal.sigpending(), signal.sigwait({signal.SIGUSR1}), signal.sigtimedwait({signal.SIGUSR1}, 0))
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    os.kill(os.getpid(), signal.SIGTERM)
    print(os.read(read, 10), len(seen), seen[0])
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    child = os.fork()
    if not child:
        work("child")
        os._exit(0)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child, 0)
    print(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGCHLD))


work()
globals()[sys.argv[1]]()
