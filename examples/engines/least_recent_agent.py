#!/usr/bin/env python3
"""A router for Offhook: offers each call to the free agent who has had none for the longest time.

    python3 least_recent_agent.py run/control.sock front-desk [queue]

Attaches as the engine `front-desk` (docs/engines.md). Without a free agent, or when nobody took the call, the caller waits in the
queue, where one is named; otherwise the engine says that it does not know, and what configuration declares happens.
Standard library only.
"""

import json
import socket
import sys


class Router:
    def __init__(self, path, engine, queue):
        self.engine, self.queue = engine, queue
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.last_id = 0
        self.waiting = {}  # the id of a question of ours: the request that it is about
        self.offered = {}  # agent: the number of the last call that was offered to them
        self.calls = 0

    def say(self, command, **fields):
        self.last_id += 1
        line = json.dumps({"id": self.last_id, "command": command, **fields})
        self.socket.sendall(line.encode() + b"\n")
        return self.last_id

    def run(self):
        self.say("hello", client=f"least-recent-agent.{self.engine}", versions=[1])
        self.say("attach", engine=self.engine)
        print("attached", flush=True)
        for line in self.socket.makefile("r", encoding="utf-8"):
            message = json.loads(line)
            if message.get("event") == "route.request":
                self.on_request(message)
            elif message.get("id") in self.waiting:
                self.on_agents(self.waiting.pop(message["id"]), message.get("result"))
            elif "error" in message:
                # Too late, or the call is gone: Offhook has done what was declared.
                print("refused:", message["error"], file=sys.stderr, flush=True)

    def on_request(self, request):
        if request["reason"] in ("inbound", "outbound", "flow_step"):
            # Who is free is asked anew for each call.
            self.waiting[self.say("agents")] = request
        else:
            self.decide(request, self.wait())

    def on_agents(self, request, result):
        agents = (result or {}).get("agents", [])
        free = [one["agent"] for one in agents if one["status"] == "Available" and one["free"] > 0]
        free.sort(key=lambda name: self.offered.get(name, 0))
        if not free:
            return self.decide(request, self.wait())
        self.calls += 1
        self.offered[free[0]] = self.calls
        self.decide(request, {"do": "offer", "agents": free[:3], "timeout": 20, "attributes": {"router": "least-recent"}})

    def wait(self):
        return {"do": "queue", "queue": self.queue} if self.queue else None

    def decide(self, request, decision):
        self.say("decide", request=request["request"], decision=decision)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    try:
        Router(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) == 4 else None).run()
    except (BrokenPipeError, ConnectionError, KeyboardInterrupt) as end:
        sys.exit(f"the conversation is over: {end}")
