#!/usr/bin/env python3
"""A front desk for Offhook: takes the call, asks what it is about, thinks, and puts the caller through.

    python3 front_desk.py run/control.sock front-desk desk.json

Attaches as the engine `front-desk` (docs/engines.md), takes control of each call and orders what happens, step by step. `think` is
where a model of yours would stand. `desk.json` says who there is, and what is heard:

    { "greeting": [{"say": "For orders press 1, for everything else 2."}], "sorry": [{"say": "Nobody is there just now."}],
      "seconds": 5, "people": { "1": "+81312340001", "2": "+81312340002" }, "otherwise": "+81312340002" }

Standard library only.
"""

import json
import socket
import sys


class Desk:
    def __init__(self, path, engine, desk):
        self.engine, self.desk = engine, desk
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        self.last_id = 0
        self.taking = {}  # the id of a decision: the call that it takes control of
        self.calls = {}  # calls in our hands: lease and what was asked for last

    def say(self, command, **fields):
        self.last_id += 1
        line = json.dumps({"id": self.last_id, "command": command, **fields})
        self.socket.sendall(line.encode() + b"\n")
        return self.last_id

    def order(self, call, do, then, **fields):
        """Orders something of a call; `then` says what is done when it is over."""
        self.calls[call]["then"] = then
        self.say("order", call=call, lease=self.calls[call]["lease"], order={"do": do, **fields})

    def run(self):
        self.say("hello", client=f"front-desk.{self.engine}", versions=[1])
        self.say("attach", engine=self.engine)
        print("attached", flush=True)
        for line in self.socket.makefile("r", encoding="utf-8"):
            message = json.loads(line)
            event, call = message.get("event"), message.get("call")
            if event == "route.request":
                self.on_request(message)
            elif event == "control.ready" and call in self.calls:
                self.on_ready(call, message["came"], message.get("details") or {})
            elif event == "control.ended":
                self.calls.pop(call, None)
            elif message.get("id") in self.taking:
                self.on_taken(self.taking.pop(message["id"]), message)
            elif "error" in message:
                # The caller hung up meanwhile, or something else happened to the call first.
                print("refused:", message["error"], file=sys.stderr, flush=True)

    def on_request(self, request):
        decision = {"do": "control", "attributes": {"desk": self.engine}}
        self.taking[self.say("decide", request=request["request"], decision=decision)] = request["call"]

    def on_taken(self, call, answer):
        if "result" in answer:
            self.calls[call] = {"lease": answer["result"]["lease"], "then": None}
            self.greet(call)

    def greet(self, call):
        seconds = self.desk.get("seconds", 5)
        self.order(call, "collect", "think", digits=1, play=self.desk["greeting"], first_timeout=seconds)

    def on_ready(self, call, came, details):
        then = self.calls[call]["then"]
        if then == "think" and came in ("collected", "failed"):
            self.put_through(call, self.think(details.get("StoredCustomerInput")))
        elif then == "through" and came == "ended":
            self.order(call, "hang_up", None)
        elif then == "through" and came in ("no_answer", "call_failed", "refused"):
            self.order(call, "play", "bye", play=self.desk["sorry"])
        elif then == "bye" and came in ("done", "failed"):
            self.order(call, "hang_up", None, cause="temporarily-unavailable")

    def think(self, said):
        """Who is to have the call, by what the caller has said."""
        return self.desk["people"].get(str(said), self.desk["otherwise"])

    def put_through(self, call, to):
        self.order(call, "dial", "through", to=to, timeout=20)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        with open(sys.argv[3], encoding="utf-8") as file:
            Desk(sys.argv[1], sys.argv[2], json.load(file)).run()
    except (BrokenPipeError, ConnectionError, KeyboardInterrupt) as end:
        sys.exit(f"the conversation is over: {end}")
