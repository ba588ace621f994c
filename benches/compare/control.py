#!/usr/bin/env python3
"""What deciding from outside costs, and what a frozen engine and a client that does not read cost everybody else.

    benches/compare/control.py decisions [--calls 10000] [--seconds 20]     # decisions per second, and how long each takes
    benches/compare/control.py freeze                                       # an engine is stopped: other calls' set-up beside it
    benches/compare/control.py stuck [--seconds 70]                         # a follower stops reading at 1,000 events a second

Needs `cargo build --release` (or --program target/debug/offhook). Standard library only; everything is on loopback. The engine is a
process of its own that says `wait one second` to every question, so each call asks once a second. Prints; fails nothing.
"""
import argparse, os, queue, re, signal, socket, subprocess, sys, tempfile, threading, time, urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIP, OPS, CALLER = 5066, 9098, ("127.0.0.2", 5077)
FILES = {
    "offhook.toml": f"""
worker_threads = 1
[ops]
listen = "127.0.0.1:{OPS}"
[log]
level = "error"
[admission]
calls_max = 100000
calls_per_second = 100000
burst = 100000
lateness_max = "10s"
strangers = "forbid"
""",
    "sip-profiles/bench.toml": f"""
[profile]
name = "bench"
realm = "bench.example"
[[listener]]
transport = "udp"
bind = "127.0.0.1:{SIP}"
[[trunk]]
name = "callers"
networks = ["127.0.0.2/32"]
trusted = true
media = "pass"
limits = {{ calls_max = 100000, calls_per_second = 100000, burst = 100000 }}
health = {{ options_every = "0s" }}
[[trunk.target]]
host = "127.0.0.2"
port = {CALLER[1]}
transport = "udp"
""",
    "dialplans/bench.toml": """
[[engine]]
name = "desk"
fallback = "reject:busy"
[[rule]]
name = "desk"
number = "1000"
to = ["engine:desk"]
[[rule]]
name = "gone"
number = "2000"
to = ["reject:number-gone"]
""",
}


def invite(number, to):
    sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    return (f"INVITE sip:{to}@127.0.0.1:{SIP} SIP/2.0\r\nVia: SIP/2.0/UDP {CALLER[0]}:{CALLER[1]};branch=z9hG4bK{number}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:100@127.0.0.2>;tag=f{number}\r\nTo: <sip:{to}@127.0.0.1>\r\nCall-ID: c{number}\r\n"
            f"CSeq: 1 INVITE\r\nContact: <sip:c@{CALLER[0]}:{CALLER[1]}>\r\nContent-Type: application/sdp\r\n"
            f"Content-Length: {len(sdp)}\r\n\r\n{sdp}").encode()


def acknowledge(answer):
    line = lambda name: re.search(rb"\r\n(" + name + rb": [^\r]*)", answer).group(1)
    number = re.search(rb"Call-ID: c(\d+)", answer).group(1)
    return (b"ACK sip:x@127.0.0.1 SIP/2.0\r\n" + line(b"Via") + b"\r\nMax-Forwards: 70\r\n" + line(b"From") + b"\r\n" + line(b"To")
            + b"\r\nCall-ID: c" + number + b"\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n")


class Caller:
    """One socket for all calls; notes when each of them was answered for good."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(CALLER)
        self.sent, self.took, self.rung, self.next = {}, [], set(), 1
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            answer = self.socket.recv(65536)
            if not answer.startswith(b"SIP/2.0 "):
                continue
            status, number = int(answer[8:11]), int(re.search(rb"Call-ID: c(\d+)", answer).group(1))
            if status == 180:
                self.rung.add(number)
            elif status >= 200:
                self.socket.sendto(acknowledge(answer), ("127.0.0.1", SIP))
                if number in self.sent:
                    self.took.append(time.perf_counter() - self.sent.pop(number))

    def call(self, to):
        number, self.next = self.next, self.next + 1
        if to != "1000":
            self.sent[number] = time.perf_counter()
        self.socket.sendto(invite(number, to), ("127.0.0.1", SIP))
        return number

    def hold(self, count):
        """Calls that ask the engine once a second, sent again until each is known to ring."""
        first = self.next
        for at in range(count):
            self.call("1000")
            if at % 20 == 19:
                time.sleep(0.01)
        for _ in range(50):
            missing = [number for number in range(first, first + count) if number not in self.rung]
            if not missing:
                return
            time.sleep(0.2)
            for number in missing[:500]:
                self.socket.sendto(invite(number, "1000"), ("127.0.0.1", SIP))
        print(f"  {len(missing)} calls were never heard")

    def refused(self, rate, seconds):
        """How long calls take that a rule refuses: median and 99th of a hundred, in milliseconds."""
        self.took = []
        until, next_at = time.perf_counter() + seconds, time.perf_counter()
        while next_at < until:
            self.call("2000")
            next_at += 1 / rate
            time.sleep(max(0, next_at - time.perf_counter()))
        time.sleep(1)
        took = sorted(self.took)
        return f"{took[len(took) // 2] * 1000:.2f} ms p50, {took[len(took) * 99 // 100] * 1000:.2f} ms p99 of {len(took)}"


def connect(folder):
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.connect(f"{folder}/run/control.sock")
    return stream


def engine(folder):
    """Says to everything: ask again in a second."""
    stream = connect(folder)
    stream.sendall(b'{"id":1,"command":"attach","engine":"desk"}\n')
    ask, rest, words = re.compile(rb'"request":"([^"]+)"'), b"", queue.SimpleQueue()

    def write():
        while True:
            stream.sendall(words.get())

    # Reads on while it writes: whoever does not read is not read either.
    threading.Thread(target=write, daemon=True).start()
    while chunk := stream.recv(1 << 20):
        lines, _, rest = (rest + chunk).rpartition(b"\n")
        said = b"".join(b'{"command":"decide","request":"%s","decision":{"do":"wait","seconds":1}}\n' % name for name in ask.findall(lines))
        if said:
            words.put(said)


def echo(count):
    """The same bytes over a bare socket: a question of 700 bytes one way, a decision of 100 the other."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    if os.fork() == 0:
        while theirs.recv(4096):
            theirs.sendall(b"x" * 100)
        os._exit(0)
    took = []
    for _ in range(count):
        began = time.perf_counter()
        ours.sendall(b"x" * 700)
        ours.recv(4096)
        took.append(time.perf_counter() - began)
    ours.shutdown(socket.SHUT_RDWR)
    return sorted(took)[count // 2] * 1e6


def decisions():
    """Counts of decisions, by how long they took at most (in microseconds), and those that came to nothing."""
    text = urllib.request.urlopen(f"http://127.0.0.1:{OPS}/metrics").read().decode()
    found = re.findall(r'offhook_decision_seconds_bucket\{engine="desk",outcome="decided",le="([^"]+)"\} (\d+)', text)
    lost = sum(int(count) for count in re.findall(r'offhook_decision_seconds_count\{engine="desk",outcome="(?!decided|dropped)[^"]+"\} (\d+)', text))
    return {float(bound) * 1e6: int(count) for bound, count in found}, lost


def span(before, after, share):
    """Between which bounds a share of what happened in between lies."""
    counts = {bound: after[bound] - before.get(bound, 0) for bound in after}
    total, low = max(counts.values()), 0
    for bound in sorted(counts):
        if counts[bound] >= total * share:
            return f"{low:.0f} to {bound:.0f} µs"
        low = bound


def run_decisions(arguments, caller, folder):
    helper = subprocess.Popen([sys.executable, __file__, "engine", "--folder", folder])
    time.sleep(1)
    for calls in (min(200, arguments.calls), arguments.calls):
        caller.hold(calls - len(caller.rung))
        time.sleep(2)
        (before, lost_before), began = decisions(), time.time()
        time.sleep(arguments.seconds)
        (after, lost), took = decisions(), time.time() - began
        count = max(after.values()) - max(before.values())
        print(f"  {calls} calls: {count / took:.0f} decisions/s, p50 {span(before, after, 0.5)}, p99 {span(before, after, 0.99)}, "
              f"{lost - lost_before} without decision")
    print(f"  a bare socket and as many bytes: {echo(5000):.0f} µs p50")
    helper.kill()


def run_freeze(arguments, caller, folder):
    helper = subprocess.Popen([sys.executable, __file__, "engine", "--folder", folder])
    time.sleep(1)
    caller.hold(200)
    print("  engine awake:  other calls", caller.refused(100, 20))
    helper.send_signal(signal.SIGSTOP)
    print("  engine frozen: other calls", caller.refused(100, 20))
    helper.kill()


def run_stuck(arguments, caller, folder):
    print("  nobody follows:  calls", caller.refused(250, 20))
    stream = connect(folder)
    stream.sendall(b'{"id":1,"command":"follow"}\n')
    stream.recv(1000)
    before = re.search(r"offhook_events_total (\d+)", urllib.request.urlopen(f"http://127.0.0.1:{OPS}/metrics").read().decode())
    print("  one who is stuck: calls", caller.refused(250, arguments.seconds))
    after = re.search(r"offhook_events_total (\d+)", urllib.request.urlopen(f"http://127.0.0.1:{OPS}/metrics").read().decode())
    print(f"  {(int(after.group(1)) - int(before.group(1))) / arguments.seconds:.0f} events a second meanwhile")
    stream.settimeout(30)
    told = b""
    while chunk := stream.recv(1 << 20):
        told += chunk
    lines = told.strip().split(b"\n")
    print(f"  what it read then: {len(lines)} lines, the last ones {lines[-2][:90]!r} {lines[-1][:90]!r}, and the end")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["decisions", "freeze", "stuck", "engine"])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--program", default=f"{TOP}/target/release/offhook")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.what == "engine":
        return engine(arguments.folder)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            os.makedirs(os.path.dirname(f"{folder}/{name}"), exist_ok=True)
            with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        daemon = subprocess.Popen([arguments.program, "run", "--config", folder], cwd=folder)
        try:
            for _ in range(100):
                time.sleep(0.1)
                if os.path.exists(f"{folder}/run/control.sock"):
                    break
            {"decisions": run_decisions, "freeze": run_freeze, "stuck": run_stuck}[arguments.what](arguments, Caller(), folder)
        finally:
            daemon.kill()
            daemon.wait()


if __name__ == "__main__":
    main()
