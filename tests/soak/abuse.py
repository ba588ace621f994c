#!/usr/bin/env python3
"""Abuse beside normal calls: what it costs, who is served meanwhile, and what is left 64 seconds after.

Starts the daemon in a folder of its own, lets one storm after the other loose on it from other processes, and places a
normal call every quarter of a second. Afterwards waits for 64*T1 and asks the daemon what is left. Prints a table for
docs/abuse.md; ends with 1 when a normal call failed where none may, when health was bad, or when anything is left.

    tests/soak/abuse.py                                   # needs `cargo build --release`, openssl
    tests/soak/abuse.py --binary target/debug/offhook --seconds 4
"""
import argparse, json, multiprocessing, os, random, select, socket, ssl, subprocess, sys, tempfile, threading, time, urllib.request

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIP, TLS, WS, OPS = 15060, 15061, 15080, 15090
CALLER, CALLEE, ABUSER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
FILES = {"offhook.toml": f"""
state_directory = "{{dir}}"
[ops]
listen = "127.0.0.1:{OPS}"
[log]
level = "error"
[admission]
calls_per_second = 1000
burst = 1000
lateness_max = "{{lateness}}"
""", "sip-profiles/abuse.toml": f"""
[profile]
name = "abuse"
realm = "abuse.test"
[[listener]]
transport = "udp"
bind = "127.0.0.1:{SIP}"
[[listener]]
transport = "tcp"
bind = "127.0.0.1:{SIP}"
[[listener]]
transport = "tls"
bind = "127.0.0.1:{TLS}"
certificate = "{{dir}}/cert.pem"
key = "{{dir}}/key.pem"
[[listener]]
transport = "ws"
bind = "127.0.0.1:{WS}"
[[trunk]]
name = "callers"
networks = ["{CALLER}/32"]
health = {{ options_every = "0s" }}
limits = {{ calls_max = 100, calls_per_second = 20, burst = 20 }}
[[trunk.target]]
host = "{CALLER}"
port = 5999
[[trunk]]
name = "abusers"
networks = ["{ABUSER}/32"]
health = {{ options_every = "0s" }}
limits = {{ calls_max = 200, calls_per_second = 20, burst = 20 }}   # what an operator grants a trunk
[[trunk.target]]
host = "{ABUSER}"
port = 5999
[[trunk]]
name = "callees"
networks = ["{CALLEE}/32"]
health = {{ options_every = "0s" }}
ring_timeout = "10s"
limits = {{ calls_max = 1000, calls_per_second = 1000, burst = 1000 }}
[[trunk.target]]
host = "{CALLEE}"
port = 15070
""", "dialplans/abuse.toml": """
[[rule]]
name = "all"
number = "*"
to = ["trunk:callees"]
"""}
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


def write(method, host, port, call, cseq=1, to_tag="", user="100", extra="", body="", branch=None, transport="UDP"):
    branch = branch or f"z9hG4bK{call}{cseq}{method}"
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (f"{method} sip:{user}@127.0.0.1:{SIP} SIP/2.0\r\nVia: SIP/2.0/{transport} {host}:{port};branch={branch};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:9000@{host}>;tag=f{call}\r\nTo: <sip:{user}@127.0.0.1>{to_tag}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <sip:x@{host}:{port}>\r\n{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def header(text, name):
    for line in text.split("\r\n"):
        if line.lower().startswith(name.lower() + ":"):
            return line.split(":", 1)[1].strip()
    return ""


def reply(text, status, body=""):
    to = header(text, "To")
    to += "" if "tag=" in to else ";tag=callee"
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (f"SIP/2.0 {status}\r\nVia: {header(text, 'Via')}\r\nFrom: {header(text, 'From')}\r\nTo: {to}\r\nCall-ID: {header(text, 'Call-ID')}\r\n"
            f"CSeq: {header(text, 'CSeq')}\r\nContact: <sip:y@{CALLEE}:15070>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def udp(host, port=0):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    one.bind((host, port))
    return one


def callee():
    """Numbers that begin with 1 are answered, with 2 ring for ever."""
    here, ringing = udp(CALLEE, 15070), {}
    while True:
        data, source = here.recvfrom(65536)
        text = data.decode(errors="replace")
        method, call = text.split(" ", 1)[0], header(text, "Call-ID")
        if method == "INVITE":
            here.sendto(reply(text, "180 Ringing"), source)
            if "sip:1" in text.split("\r\n", 1)[0]:
                here.sendto(reply(text, "200 OK", SDP), source)
            else:
                ringing[call] = text
        elif method == "CANCEL":
            here.sendto(reply(text, "200 OK"), source)
            if call in ringing:
                here.sendto(reply(ringing.pop(call), "487 Request Terminated"), source)
        elif method not in ("ACK", "SIP/2.0"):
            here.sendto(reply(text, "200 OK"), source)


class Caller:
    """Normal calls, one after the other; a message that gets no answer is sent again after half a second."""

    def __init__(self):
        self.socket, self.number = udp(CALLER), random.randrange(1 << 30)
        self.port = self.socket.getsockname()[1]

    def ask(self, message, call, wanted, patience=8.0):
        until, wait = time.time() + patience, 0.5
        while time.time() < until:
            self.socket.sendto(message, ("127.0.0.1", SIP))
            again = time.time() + wait
            wait *= 2
            while time.time() < min(again, until):
                if not select.select([self.socket], [], [], max(0, min(again, until) - time.time()))[0]:
                    break
                text = self.socket.recv(65536).decode(errors="replace")
                if header(text, "Call-ID") == call and text.startswith("SIP/2.0") and header(text, "CSeq").endswith(wanted) and text[8] != "1":
                    return text
        return ""

    def call(self):
        self.number += 1
        call, began = f"normal{self.number}", time.time()
        answer = self.ask(write("INVITE", CALLER, self.port, call, body=SDP), call, "INVITE")
        took = time.time() - began
        if not answer.startswith("SIP/2.0 200"):
            return False, took, answer.split("\r\n", 1)[0] or "no answer"
        tag = ";tag=" + header(answer, "To").split("tag=")[1]
        self.socket.sendto(write("ACK", CALLER, self.port, call, to_tag=tag), ("127.0.0.1", SIP))
        ended = self.ask(write("BYE", CALLER, self.port, call, 2, to_tag=tag), call, "BYE")
        return ended.startswith("SIP/2.0 200"), took, ended.split("\r\n", 1)[0] or "no answer to BYE"


# ---- storms: each runs in a process of its own until its time is over and gives the number of things that it did

def paced(seconds, rate):
    began, count = time.time(), 0
    while time.time() - began < seconds:
        if rate and count > (time.time() - began) * rate:
            time.sleep(0.001)
            continue
        count += 1
        yield count


def garbage(seconds):
    sockets, chance = [udp(f"127.0.1.{n}") for n in range(1, 201)] + [udp(ABUSER)] * 50, random.Random(1)
    good = write("INVITE", ABUSER, 5999, "garbage", body=SDP)
    for count in paced(seconds, 0):
        cut = bytearray(good)
        for _ in range(6):
            cut[chance.randrange(len(cut))] = chance.randrange(256)
        text = chance.randbytes(chance.randrange(1, 1400)) if count % 2 else bytes(cut)
        chance.choice(sockets).sendto(text, ("127.0.0.1", SIP))
    return count


def scanner(seconds):
    sockets = [udp(f"127.0.2.{n}") for n in range(1, 101)]
    for count in paced(seconds, 0):
        one = sockets[count % len(sockets)]
        host, port = one.getsockname()
        one.sendto(write(("REGISTER", "OPTIONS", "INVITE")[count % 3], host, port, f"scan{count}", user=str(count), extra="User-Agent: friendly-scanner\r\n"), ("127.0.0.1", SIP))
    return count


def storm(seconds, rate, make):
    """From the trunk of the abuser."""
    one = udp(ABUSER)
    port, run = one.getsockname()[1], random.randrange(1 << 30)
    for count in paced(seconds, rate):
        for text in make(port, f"{run}x{count}"):
            one.sendto(text, ("127.0.0.1", SIP))
    return count


def never_acknowledged(seconds):
    return storm(seconds, 60, lambda port, call: [write("INVITE", ABUSER, port, call, body=SDP)])


def cancel_race(seconds):
    def make(port, call):
        pair = [write(method, ABUSER, port, call, user="200", branch=f"z9hG4bK{call}") for method in ("INVITE", "CANCEL")]
        return pair if random.random() < 0.7 else pair[::-1]
    return storm(seconds, 60, make)


def bye_storm(seconds):
    return storm(seconds, 5000, lambda port, call: [write("BYE", ABUSER, port, call, 2, to_tag=f";tag={call}")])


def bye_on_running(seconds):
    """BYEs that name running calls by their To tags and are wrong in one thing; all those calls must outlive them."""
    one, strangers, run = udp(ABUSER), [udp(f"127.0.3.{n}") for n in range(1, 21)], random.randrange(1 << 30)
    port, tags = one.getsockname()[1], {}

    def hear(word, method, patience=3.0):
        """Answers that come until nothing more does."""
        until = time.time() + patience
        while time.time() < until and select.select([one], [], [], 0.5)[0]:
            text = one.recv(65536).decode(errors="replace")
            if text.startswith(word) and header(text, "CSeq").endswith(method):
                yield text

    for number in range(20):
        one.sendto(write("INVITE", ABUSER, port, f"{run}r{number}", body=SDP), ("127.0.0.1", SIP))
    for text in hear("SIP/2.0 200", "INVITE"):
        call = header(text, "Call-ID")
        tags[call] = ";tag=" + header(text, "To").split("tag=")[1]
        one.sendto(write("ACK", ABUSER, port, call, to_tag=tags[call]), ("127.0.0.1", SIP))
    calls, count = list(tags), 0
    for count in paced(seconds if calls else 0, 5000):
        call = calls[count % len(calls)]
        bye = write("BYE", ABUSER, port, call, 2, to_tag=tags[call], branch=f"z9hG4bK{run}w{count}")
        wrong = bye.replace(b";tag=f", b";tag=w") if count % 2 else bye.replace(b"Call-ID: ", b"Call-ID: w")
        (one if count % 3 else strangers[count % len(strangers)]).sendto(wrong, ("127.0.0.1", SIP))
    list(hear("none", "none", 1.0))
    for call in calls:
        one.sendto(write("BYE", ABUSER, port, call, 2, to_tag=tags[call]), ("127.0.0.1", SIP))
    ended = {header(text, "Call-ID") for text in hear("SIP/2.0 200", "BYE")}
    # A negative number says that running calls were lost.
    return count if len(calls) == 20 and ended == set(calls) else -count


def half_dialogs(seconds):
    return storm(seconds, 60, lambda port, call: [write("INVITE", ABUSER, port, call, user="200", body=SDP)])


def retransmissions(seconds):
    return storm(seconds, 5, lambda port, call: [write("INVITE", ABUSER, port, call, user="200", body=SDP)] * 1000)


def huge(seconds):
    one, count = udp(ABUSER), 0
    for count in paced(seconds, 200):
        one.sendto(write("INVITE", ABUSER, 5999, f"huge{count}", body="a" * 60000), ("127.0.0.1", SIP))
        if count % 20 == 0:
            try:
                stream = stream_from(ABUSER, SIP)
                stream.sendall(write("INVITE", ABUSER, 5999, f"long{count}", transport="TCP").replace(b"Content-Length: 0", b"Content-Length: 999999999") + b"a" * 200000)
            except OSError:
                pass
    return count


def stream_from(host, port):
    one = socket.socket()
    one.settimeout(5)
    one.bind((host, 0))
    one.connect(("127.0.0.1", port))
    return one


def slowloris(seconds):
    """One byte a second over TCP, TLS and WebSocket, from strangers."""
    trust = ssl._create_unverified_context()
    lines = {SIP: write("OPTIONS", ABUSER, 1, "slow", transport="TCP"), TLS: write("OPTIONS", ABUSER, 1, "slow", transport="TLS"),
             WS: b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"}
    open_ones = []
    for number in range(300):
        port = (SIP, TLS, WS)[number % 3]
        try:
            one = stream_from(f"127.0.4.{1 + number % 50}", port)
            open_ones.append((trust.wrap_socket(one) if port == TLS and number % 2 else one, lines[port]))
        except OSError:
            pass
    until, at = time.time() + seconds, 0
    while time.time() < until:
        for one, line in open_ones:
            try:
                one.send(line[at:at + 1])
            except OSError:
                pass
        at += 1
        time.sleep(1)
    return len(open_ones)


def idle_connections(seconds):
    held = []
    for number in range(2000):
        try:
            held.append(stream_from(f"127.0.5.{1 + number % 20}", SIP))
        except OSError:
            pass
    time.sleep(seconds)
    return len(held)


STORMS = [("nothing (for comparison)", None), ("garbage, 201 sources", garbage), ("scanners, 100 sources", scanner), ("INVITEs never acknowledged", never_acknowledged),
          ("CANCEL races", cancel_race), ("BYEs of no call", bye_storm), ("wrong BYEs of 20 running calls", bye_on_running), ("half dialogs", half_dialogs), ("retransmissions, x1000", retransmissions),
          ("huge messages", huge), ("slow writers, TCP/TLS/WS", slowloris), ("2,000 idle connections", idle_connections)]


def work(storm, seconds, told):
    told.put(storm(seconds))


def metric(name):
    page = urllib.request.urlopen(f"http://127.0.0.1:{OPS}/metrics", timeout=5).read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.split("{")[0].split(" ")[0] == name)


def healthy():
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{OPS}/healthz", timeout=5).status == 200
    except OSError:
        return False


def cpu(pid):
    return sum(int(open(f"/proc/{pid}/task/{task}/schedstat").read().split()[0]) for task in os.listdir(f"/proc/{pid}/task")) / 1e9


def resident_kb(pid):
    return next(int(line.split()[1]) for line in open(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:"))


def phase(name, storm, seconds, pid):
    told, worker = multiprocessing.Queue(), None
    before, began = cpu(pid), time.time()
    if storm:
        worker = multiprocessing.Process(target=work, args=(storm, seconds, told), daemon=True)
        worker.start()
    caller, good, tried, worst, bad_health, faults = Caller(), 0, 0, 0.0, 0, []
    while time.time() - began < seconds or (worker and worker.is_alive() and time.time() - began < seconds + 30):
        fine, took, word = caller.call()
        tried, good, worst = tried + 1, good + fine, max(worst, took)
        if not fine:
            faults.append(word)
        bad_health += not healthy()
        time.sleep(0.25)
    done = told.get(timeout=40) if worker else 0
    elapsed = time.time() - began
    row = {"storm": name, "done": done, "cpu": 100 * (cpu(pid) - before) / elapsed, "good": good, "tried": tried, "worst_ms": 1000 * worst, "bad_health": bad_health}
    print(f"| {name} | {done:,} | {row['cpu']:.0f} % | {good} of {tried} | {row['worst_ms']:.0f} ms | {'good' if not bad_health else str(bad_health) + ' times bad'} |"
          + (f" {faults[0]}" if faults else ""), flush=True)
    return row


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", default=os.path.join(TOP, "target/release/offhook"))
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--only", default="", help="only storms with this word in their names")
    options.add_argument("--after", type=float, default=64)
    options.add_argument("--lateness-max", default="200ms", help="more on a machine whose processors others use")
    options = options.parse_args()
    folder = tempfile.mkdtemp(prefix="offhook-abuse-")
    for name, text in FILES.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").write(text.replace("{dir}", folder).replace("{lateness}", options.lateness_max))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"],
                   cwd=folder, check=True, stderr=subprocess.DEVNULL)
    log = open(os.path.join(folder, "log"), "w")
    daemon = subprocess.Popen([os.path.abspath(options.binary), "run", "--config", folder], stdout=log, stderr=log)
    answering = multiprocessing.Process(target=callee, daemon=True)
    answering.start()
    try:
        until = time.time() + 20
        while not healthy() and time.time() < until:
            time.sleep(0.05)
        warm = Caller()
        for _ in range(5):
            warm.call()
        before = resident_kb(daemon.pid)
        print("| storm | sent | of a core | normal calls | slowest answer | health |\n|---|---|---|---|---|---|", flush=True)
        rows = [phase(name, storm, options.seconds, daemon.pid) for name, storm in STORMS if options.only in name]
        during, ended = resident_kb(daemon.pid), time.time()
        time.sleep(options.after)
        left = {word: metric(word) for word in ("offhook_calls_active", "offhook_sip_transactions", "offhook_transport_connections", "offhook_calls_panicked_total")}
        after = resident_kb(daemon.pid)
        print(f"\n{time.time() - ended:.0f} s after the last: calls {left['offhook_calls_active']:.0f}, transactions {left['offhook_sip_transactions']:.0f}, "
              f"connections {left['offhook_transport_connections']:.0f}, panics {left['offhook_calls_panicked_total']:.0f}; "
              f"memory {before} KB before, {during} KB at the end, {after} KB now")
        fine, _, word = Caller().call()
        print(f"a call after all that: {'good' if fine else word}")
        bad = any(left.values()) or not fine or any(row["good"] < row["tried"] or row["bad_health"] or row["done"] < 0 for row in rows)
        sys.exit(1 if bad else 0)
    finally:
        daemon.terminate()
        answering.terminate()


main()
