#!/usr/bin/env python3
"""Offhook and Kamailio side by side: CPU per call, memory per held call, highest rate on one core.

Both carry the same SIPp calls over UDP on loopback in the same minutes, each pinned to core 1 with SIPp on core 0, in turns.
Needs Debian's sip-tester and kamailio, and `cargo build --release`. Prints a table and, with --json FILE, the raw rows.

    benches/compare/sip.py                    # rates 50 and 200, three rounds, memory, highest rate
    benches/compare/sip.py --rounds 1 --skip-max
"""
import argparse, csv, json, os, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TICK = os.sysconf("SC_CLK_TCK")
UAS_PORT, UAC_PORT = 5090, 5070

OFFHOOK_TOML = """
worker_threads = 1
[ops]
listen = "127.0.0.1:9099"
[log]
level = "error"
[admission]
calls_max = 100000
calls_per_second = 100000
burst = 100000
lateness_max = "10s"
"""
PROFILE = """
[profile]
name = "bench"
realm = "bench.example"
[profile.session_timer]
enabled = false
[[listener]]
transport = "udp"
bind = "127.0.0.1:5065"
[[trunk]]
name = "bench"
networks = ["127.0.0.1/32"]
# A proxy carries no audio: neither do we here.
media = "pass"
[trunk.limits]
calls_max = 100000
calls_per_second = 100000
burst = 100000
[trunk.health]
options_every = "0s"
[[trunk.target]]
host = "127.0.0.1"
port = 5090
"""
DIALPLAN = """
[[rule]]
name = "all"
number = "*"
to = ["trunk:bench"]
"""


def family(pid):
    """The process and its descendants."""
    found = [pid]
    for one in found:
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                found += [int(c) for c in open(f"/proc/{one}/task/{task}/children").read().split()]
        except OSError:
            pass
    return found


def cpu_seconds(pid):
    """User and system time of all of them, by the scheduler's nanosecond account where there is one."""
    total = 0.0
    for one in family(pid):
        for task in os.listdir(f"/proc/{one}/task"):
            try:
                total += int(open(f"/proc/{one}/task/{task}/schedstat").read().split()[0]) / 1e9
            except OSError:
                pass
    return total


def pss_kb(pid):
    total = 0
    for one in family(pid):
        for line in open(f"/proc/{one}/smaps_rollup"):
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


class Peer:
    def __init__(self, name, port, command, folder):
        self.name, self.port = name, port
        log = open(os.path.join(folder, name + ".log"), "w")
        self.process = subprocess.Popen(["taskset", "-c", "1", *command], stdout=log, stderr=log, cwd=folder)
        time.sleep(2)
        if self.process.poll() is not None:
            sys.exit(f"{name} did not start: " + open(log.name).read()[-2000:])

    @property
    def pid(self):
        return self.process.pid

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def sipp(scenario, folder, arguments):
    command = ["taskset", "-c", "0", "sipp", "-sf", os.path.join(HERE, scenario), "-nostdin", "-i", "127.0.0.1", "-mi",
               "127.0.0.1", "-buff_size", "4000000", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def last_row(path):
    try:
        rows = list(csv.DictReader(open(path), delimiter=";"))
    except OSError:
        return {}
    return rows[-1] if rows else {}


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_rate(peer, rate, seconds, hold_ms):
    """One run: figures of the calls, and what they cost the peer."""
    with tempfile.TemporaryDirectory() as folder:
        callee = sipp("uas.xml", folder, ["-p", str(UAS_PORT)])
        time.sleep(0.4)
        count = int(rate * seconds)
        before, began = cpu_seconds(peer.pid), time.time()
        caller = sipp("uac.xml", folder, [f"127.0.0.1:{peer.port}", "-p", str(UAC_PORT), "-s", "1000", "-r", str(rate), "-m", str(count),
                      "-d", str(hold_ms), "-l", str(int(rate * (hold_ms / 1000 + 6)) + 50), "-recv_timeout", "8000", "-trace_stat",
                      "-fd", "1", "-stf", "stat.csv", "-timeout", str(int(seconds * 2 + 20))])
        try:
            caller.wait(seconds * 2 + 40)
        except subprocess.TimeoutExpired:
            end(caller)
        elapsed = time.time() - began
        time.sleep(0.3)
        spent = cpu_seconds(peer.pid) - before
        end(callee)
        row = last_row(os.path.join(folder, "stat.csv"))
    number = lambda key: int(row.get(key) or 0)
    made, good = number("TotalCallCreated"), number("SuccessfulCall(C)")
    return {"peer": peer.name, "rate": rate, "calls": made, "failed": made - good, "retransmissions": number("Retransmissions(C)"),
            "achieved": round(made / max(0.1, elapsed - hold_ms / 1000), 1), "cpu_ms_per_call": round(1000 * spent / max(1, good), 4)}


def held(row):
    return row["calls"] > 0 and row["failed"] < 0.001 * row["calls"] and row["achieved"] >= 0.95 * row["rate"] \
        and row["retransmissions"] <= 0.01 * row["calls"]


def highest_rate(peer, start):
    low, high, rate, best = 0.0, None, float(start), None
    for _ in range(12):
        row = run_rate(peer, round(rate), 6, 200)
        row["held"] = held(row)
        print(json.dumps(row), file=sys.stderr, flush=True)
        if row["held"]:
            low, best = rate, row
        else:
            high = rate
        if high is None:
            rate *= 1.6
        elif high - low < 0.08 * high:
            break
        else:
            rate = (low + high) / 2 if low else high / 2
        time.sleep(2)
    return best


def memory(peer, calls):
    run_rate(peer, 20, 3, 100)
    time.sleep(40)  # past the transactions of what ran before
    before = pss_kb(peer.pid)
    with tempfile.TemporaryDirectory() as folder:
        callee = sipp("uas.xml", folder, ["-p", str(UAS_PORT)])
        time.sleep(0.4)
        hold = int((calls / 100 + 50) * 1000)
        caller = sipp("uac.xml", folder, [f"127.0.0.1:{peer.port}", "-p", str(UAC_PORT), "-s", "1000", "-r", "100", "-m", str(calls),
                      "-l", str(calls), "-d", str(hold), "-timeout", "200"])
        time.sleep(calls / 100 + 40)  # past timers H, I and L: what is left is what a held call costs
        during = pss_kb(peer.pid)
        idle_from, at = cpu_seconds(peer.pid), time.time()
        time.sleep(5)
        idle = (cpu_seconds(peer.pid) - idle_from) / (time.time() - at)
        caller.wait(300)
        end(callee)
    time.sleep(70)  # 64*T1 and more: nothing may be left
    after = pss_kb(peer.pid)
    return {"peer": peer.name, "calls": calls, "kb_per_call": round((during - before) / calls, 2), "kb_left": after - before,
            "idle_share_of_core": round(idle, 4)}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rates", default="50,200")
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--calls", type=int, default=1000, help="held calls of the memory run")
    options.add_argument("--skip-max", action="store_true")
    options.add_argument("--skip-memory", action="store_true")
    options.add_argument("--json")
    options = options.parse_args()
    folder = tempfile.mkdtemp(prefix="offhook-compare-")
    for name, text in (("offhook.toml", OFFHOOK_TOML), ("sip-profiles/bench.toml", PROFILE), ("dialplans/bench.toml", DIALPLAN)):
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, "w").write(text)
    binary = os.path.join(TOP, "target/release/offhook")
    peers = [Peer("offhook", 5065, [binary, "run", "--config", folder], folder),
             Peer("kamailio", 5066, ["kamailio", "-f", os.path.join(HERE, "kamailio.cfg"), "-DD", "-E", "-m", "2048", "-M", "32", "-Y", folder], folder)]
    rows = []
    try:
        for rate in [float(r) for r in options.rates.split(",")]:
            for _ in range(options.rounds):
                for peer in peers:
                    rows.append(run_rate(peer, rate, options.seconds, 500))
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
                    time.sleep(1.5)
            cost = {peer.name: [r["cpu_ms_per_call"] for r in rows if r["peer"] == peer.name and r["rate"] == rate] for peer in peers}
            ours, theirs = statistics.median(cost["offhook"]), statistics.median(cost["kamailio"])
            print(f"{rate:6.0f} calls/s   CPU ms per call: offhook {ours:.3f}   kamailio {theirs:.3f}   ratio {ours / theirs:.2f}   (bar 0.33)", flush=True)
        if not options.skip_memory:
            for peer in peers[:1]:
                rows.append(memory(peer, options.calls))
                row = rows[-1]
                print(f"memory, {row['calls']} held calls: {row['kb_per_call']} KB per call (bar 6), {row['kb_left']} KB left after, "
                      f"{100 * row['idle_share_of_core']:.2f} % of a core while held", flush=True)
        if not options.skip_max:
            for peer in peers:
                best = highest_rate(peer, 400)
                rows.append({"highest": best, "peer": peer.name})
                print(f"highest rate on one core with < 0.1 % failures: {peer.name} {best and best['rate']} calls/s at {best and best['cpu_ms_per_call']} ms per call", flush=True)
    finally:
        for peer in peers:
            peer.end()
        if options.json:
            json.dump(rows, open(options.json, "w"), indent=1)


main()
