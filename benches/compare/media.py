#!/usr/bin/env python3
"""Our media worker, rtpengine in user space and a bare forwarder side by side: processor time per relayed packet, loss, delay.

Each relays the same numbered packets on loopback in the same minutes, pinned to core 1, driven from core 0, in turns; the lowest of
the rounds counts, since the machine is shared. Needs `cargo build --release --example offhook-load`, Debian's rtpengine-daemon, and
open files for two sockets per stream.

    benches/compare/media.py                        # 500 calls at 50 packets/s each way, three rounds
    benches/compare/media.py --calls 50,1000 --only offhook
    benches/compare/media.py --scale 50,2000        # what a packet costs with few calls and with many
    benches/compare/media.py --saturate             # the highest rate that each holds on one core with less than 0.1 % loss
    benches/compare/media.py --held 1000            # processor time and memory of calls that are held
    benches/compare/media.py --recode 40            # PCMU on one side, Opus on the other: processor time per second of call
    benches/compare/media.py --stall 10             # how soon every stream flows after a stop of ten seconds
"""
import argparse, json, os, random, re, resource, signal, socket, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
DUT_CORE, DRIVE_CORE = "1", "0"
NG_PORT = 2223


def run_seconds(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def switches(pid):
    """How often all threads of a process have gone to sleep: rtpengine answers several packets per wake-up when it is starved."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as file:
            total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M).group(1))
    return total


class Ours:
    """The relay or the forwarder of offhook-load: it ends when its input does."""

    def __init__(self, tool, kind, prefix, calls, options=()):
        words = ["taskset", "-c", DUT_CORE, tool, kind, "--calls", str(calls), "--out", prefix, *options]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{kind} did not start: is the limit of open files high enough?")
        self.ready = json.loads(line)
        self.pid = self.process.pid

    def end(self):
        """What it says last tells its memory after the traffic, encoders and all."""
        self.process.stdin.close()
        said = self.process.stdout.read()
        self.process.wait(20)
        found = re.search(r'"kb_per_call_after":([\d.]+)', said)
        self.ready["kb_per_call"] = float(found.group(1)) if found else self.ready.get("kb_per_call")


def bencode(value):
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


PCMU, OPUS = (0, "PCMU/8000"), (96, "opus/48000/2")


def description(port, codec=PCMU):
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", f"m=audio {port} RTP/AVP {codec[0]}",
             f"a=rtpmap:{codec[0]} {codec[1]}", "a=ptime:20", "a=sendrecv", ""]
    return "\r\n".join(lines)


class RtpEngine:
    """Debian's rtpengine without its kernel module, told of the calls over its own protocol."""

    def __init__(self, prefix, calls, sockets=8, recode=False):
        words = ["taskset", "-c", DUT_CORE, "rtpengine", "--foreground", "--table=-1", "--interface=127.0.0.1",
                 f"--listen-ng=127.0.0.1:{NG_PORT}", "--port-min=20000", "--port-max=39999", "--num-threads=1",
                 "--log-level=2", "--log-stderr", f"--pidfile={prefix}.pid", "--timeout=3600", "--silent-timeout=3600",
                 "--tos=0"]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", NG_PORT))
        self.socket.settimeout(1)
        self.wait()
        sides = {"a": [], "b": []}
        for call in range(calls):
            common = {"call-id": f"c{call}", "from-tag": f"a{call}", "replace": ["origin"], "ICE": "remove"}
            place = 2 * (call % sockets)
            codecs = {"codec": {"transcode": ["opus"], "mask": ["PCMU"]}} if recode else {}
            offer = self.ask({"command": "offer", "sdp": description(40000 + place), **codecs, **common})
            codec = OPUS if recode else PCMU
            answer = self.ask({"command": "answer", "to-tag": f"b{call}", "sdp": description(50000 + place, codec), **common})
            sides["b"].append(offer)
            sides["a"].append(answer)
        for side, ports in sides.items():
            with open(f"{prefix}.{side}", "w") as file:
                file.writelines(f"127.0.0.1:{port}\n" for port in ports)

    def wait(self):
        for _ in range(100):
            try:
                self.socket.send(b"p " + bencode({"command": "ping"}))
                self.socket.recv(4096)
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("rtpengine did not answer")

    def ask(self, message):
        cookie = b"%x" % random.getrandbits(40)
        self.socket.send(cookie + b" " + bencode(message))
        while True:
            reply = self.socket.recv(65536)
            if reply.startswith(cookie):
                return int(re.search(rb"m=audio (\d+)", reply).group(1))

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def drive(tool, prefix, pid, seconds, pps, extra=()):
    words = ["taskset", "-c", DRIVE_CORE, tool, "drive", "--a", f"{prefix}.a", "--b", f"{prefix}.b", "--seconds", str(seconds),
             "--pps", str(pps), "--pid", str(pid), *extra]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def start(kind, tool, prefix, calls):
    if kind == "rtpengine":
        return RtpEngine(prefix, calls)
    if kind == "forward":
        return Ours(tool, "forward", prefix, calls)
    return Ours(tool, "relay", prefix, calls, ["--pin", DUT_CORE])


def once(options, folder, kind, calls, pps):
    """One run of one kind; what it used is counted over all its threads, user and system time alike."""
    prefix = os.path.join(folder, kind)
    dut = start(kind, options.tool, prefix, calls)
    try:
        slept = switches(dut.pid)
        row = drive(options.tool, prefix, dut.pid, options.seconds, pps)
        slept = switches(dut.pid) - slept
    finally:
        dut.end()
    kilobytes = getattr(dut, "ready", {}).get("kb_per_call")
    row.update(kind=kind, calls=calls, kb_per_call=kilobytes, packets_per_sleep=row["came"] / max(slept, 1))
    print(f"{kind:10} calls {calls:5}  {row['pps']:8.0f} packets/s  {row['us_per_packet']:7.2f} us  "
          f"loss {100 * row['loss']:.3f} %  p50 {row['p50_us']} us  p99 {row['p99_us']} us  lag {row['lag_ms_max']} ms  "
          f"{row['packets_per_sleep']:.1f} packets per sleep  memory {kilobytes}", flush=True)
    return row


def compare(options, folder):
    rows = []
    for calls in map(int, options.calls.split(",")):
        for round in range(options.rounds):
            for kind in options.only.split(","):
                rows.append({**once(options, folder, kind, calls, options.pps), "round": round})
        best = {}
        for row in rows:
            if row["calls"] == calls:
                best[row["kind"]] = min(best.get(row["kind"], 1e9), row["us_per_packet"])
        for other in ("rtpengine", "forward"):
            if other in best and "offhook" in best:
                print(f"  {calls} calls: offhook is {best['offhook'] / best[other]:.2f} of {other}", flush=True)
    return rows


def scale(options, folder):
    """The same packets per second in each call, few calls and many: what the table of calls costs."""
    rows, few_and_many = [], list(map(int, options.scale.split(",")))
    for _ in range(options.rounds):
        rows += [once(options, folder, "offhook", calls, options.pps) for calls in few_and_many]
    best = [min(row["us_per_packet"] for row in rows if row["calls"] == calls) for calls in few_and_many]
    print(f"a packet costs {best[-1] / best[0]:.2f} with {few_and_many[-1]} calls of what it costs with {few_and_many[0]}")
    return rows


def saturate(options, folder):
    """Raises the rate by a tenth until more than a thousandth is lost, each kind in turn."""
    rows, calls = [], int(options.calls.split(",")[0])
    for kind in options.only.split(","):
        pps, highest = options.pps, 0
        while True:
            row = once(options, folder, kind, calls, pps)
            rows.append(row)
            # A driver that is late has not offered the rate.
            if row["loss"] > 0.001 or row["pps"] < 0.98 * pps * 2 * calls:
                break
            highest, pps = row["pps"], pps * 1.1
        print(f"  {kind}: {highest:.0f} packets/s with less than 0.1 % lost", flush=True)
    return rows


def recode(options, folder):
    """Calls with PCMU on one side and Opus on the other; every packet of each side has to come out at the other."""
    rows, best = [], {}
    for _ in range(options.rounds):
        for kind in ("offhook", "rtpengine"):
            prefix = os.path.join(folder, kind)
            calls = options.recode
            dut = (RtpEngine(prefix, calls, recode=True) if kind == "rtpengine"
                   else Ours(options.tool, "relay", prefix, calls, ["--pin", DUT_CORE, "--recode"]))
            try:
                row = drive(options.tool, prefix, dut.pid, options.seconds, 50, ["--recode"])
            finally:
                dut.end()
            row.update(kind=kind, ms_per_second=1000 * row["core_share"] / calls, through=row["unknown"] / (100 * calls),
                       kb_per_call=getattr(dut, "ready", {}).get("kb_per_call"))
            print(f"{kind:10} {calls} calls  {row['ms_per_second']:6.2f} ms per second of call  {row['through']:.1f} s of each side came out"
                  f"  memory {row['kb_per_call']}", flush=True)
            best[kind] = min(best.get(kind, 1e9), row["ms_per_second"])
            rows.append(row)
    print(f"  recoding: offhook is {best['offhook'] / best['rtpengine']:.2f} of rtpengine (bar 0.25)", flush=True)
    return rows


def held(options, folder):
    prefix = os.path.join(folder, "held")
    dut = Ours(options.tool, "relay", prefix, options.held, ["--pin", DUT_CORE, "--held"])
    time.sleep(25)
    before, at = run_seconds(dut.pid), time.time()
    time.sleep(options.seconds * 3)
    share = (run_seconds(dut.pid) - before) / (time.time() - at)
    dut.end()
    print(f"{options.held} held calls: {100 * share:.3f} % of a core, {dut.ready['kb_per_call']} KB each")
    return [{**dut.ready, "kind": "held", "core_share": share}]


def stall(options, folder):
    prefix = os.path.join(folder, "stall")
    calls = int(options.calls.split(",")[0])
    dut = start("offhook", options.tool, prefix, calls)
    row = drive(options.tool, prefix, dut.pid, 2 * options.stall + 8, options.pps, ["--stall-for", str(options.stall)])
    dut.end()
    print(f"after {options.stall} s: the last of {row['streams']} streams flowed {row['resumed_ms_max']} ms after waking, "
          f"{row['streams_later_than_100_ms']} later than 100 ms")
    return [row]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", default=os.path.join(TOP, "target/release/examples/offhook-load"))
    parser.add_argument("--calls", default="500")
    parser.add_argument("--pps", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="offhook,forward,rtpengine")
    parser.add_argument("--scale", metavar="FEW,MANY")
    parser.add_argument("--saturate", action="store_true")
    parser.add_argument("--held", type=int)
    parser.add_argument("--recode", type=int)
    parser.add_argument("--stall", type=float)
    parser.add_argument("--json")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        kinds = {"held": held, "stall": stall, "scale": scale, "saturate": saturate, "recode": recode}
        run = next((run for name, run in kinds.items() if getattr(options, name)), compare)
        rows = run(options, folder)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)


main()
