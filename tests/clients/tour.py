"""What the tours of the clients share: every call is noted down with the requests that it makes and
must be looked at; what is compared with comes from plain requests that no client has touched.

A tour talks to one server and prints what it has exercised. Its arguments are the server's address
and the folder of the keys."""

import hashlib
import hmac
import json
import sys
import time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlencode

import requests

SYMBOL = "BTCUSDT"
# What the generated market charges.
MAKER, TAKER = Decimal("0.0002"), Decimal("0.0004")
# By how many milliseconds a client's clock is behind the server's: in the midst of what the server takes,
# so that neither a busy machine nor an order that moves the server's time is refused with -1021.
LATE = 2000


def decimal(value):
    """A number however it is told; floats by their text."""
    return Decimal(str(value))


def text(value):
    """A number as the exchange writes it."""
    return f"{decimal(value):.8f}"


def all_objects(value):
    """Whether one of pydantic's classes can be made a dictionary by its own method, which stumbles
    over lists of lists."""
    try:
        value.to_dict()
    except AttributeError:
        return False
    return True


def plain(value):
    """What a client answers, as JSON has it."""
    if callable(getattr(value, "data", None)):
        value = value.data()
    if hasattr(value, "model_dump"):
        value = value.to_dict() if all_objects(value) else value.model_dump(by_alias=True)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        # What the classes of a client have no member for.
        value = {**value, **(value.get("additional_properties") or {})}
        return {name: plain(each) for name, each in value.items() if name != "additional_properties"}
    return value


class Answer:
    """What a call came to. It must be looked at with one of the methods here."""

    def __init__(self, call, value):
        self.call, self.value, self.looked_at = call, plain(value), False

    def __getitem__(self, key):
        return self.value[key]

    def fail(self, what):
        raise AssertionError(f"{self.call}: {what}; the answer is {self.value}")

    def equals(self, expected):
        """The whole answer is this."""
        self.looked_at = True
        if self.value != expected:
            self.fail(f"expected {expected}")
        return self

    def has(self, members=None, **more):
        """The answer has these members."""
        self.looked_at = True
        for name, expected in {**(members or {}), **more}.items():
            found = self.value.get(name, "(absent)")
            if found != expected or isinstance(found, bool) != isinstance(expected, bool):
                self.fail(f"`{name}` is {found!r}, expected {expected!r}")
        return self

    def holds(self, is_so, what):
        """Something is so of the answer."""
        self.looked_at = True
        if not is_so(self.value):
            self.fail(f"not so: {what}")
        return self


class Tour:
    """Server time stands still between the calls, unless a tour lets it pass."""

    def __init__(self, package):
        self.package, self.url = package, sys.argv[1]
        # API key and private key of each kind that is no shared secret.
        self.private_keys = [(f"of{kind}", (Path(sys.argv[2]) / f"{kind}.pem").read_text()) for kind in ("rsa", "ed25519")]
        self.calls, self.answers, self.sent = {}, [], []
        self.plain = requests.Session()
        self.observe()

    def observe(self):
        """Notes down method and path of what is sent, whoever sends it."""
        send = requests.sessions.Session.send

        def noted(session, request, **options):
            if session is not self.plain:
                path = request.path_url.split("?")[0].removeprefix("/api/v3")
                self.sent.append(f"{request.method} {path}")
            return send(session, request, **options)

        requests.sessions.Session.send = noted

    # The server beside the client.

    def get(self, path):
        return self.plain.get(f"{self.url}{path}").json()

    def get_signed(self, path, **parameters):
        query = urlencode({**parameters, "timestamp": self.now()})
        signature = hmac.new(b"local", query.encode(), hashlib.sha256).hexdigest()
        answer = self.plain.get(f"{self.url}{path}?{query}&signature={signature}", headers={"X-MBX-APIKEY": "local"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def now(self):
        """Server time in milliseconds."""
        return self.get("/api/v3/time")["serverTime"]

    @staticmethod
    def wall():
        """This machine's time in seconds, which is the clients' own."""
        return time.time()

    def step(self, until=None):
        answer = self.plain.post(f"{self.url}/control/step", json={"until": until})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reach(self, until):
        """Lets server time pass until an instant."""
        while True:
            stepped = self.step(until)
            if stepped["time"] >= until or stepped["ended"]:
                return

    def minutes(self, count):
        """Lets minutes pass at once."""
        self.reach(self.now() * 1000 + count * 60_000_000)

    def book(self):
        """Bid and ask."""
        ticker = self.get(f"/api/v3/ticker/bookTicker?symbol={SYMBOL}")
        return Decimal(ticker["bidPrice"]), Decimal(ticker["askPrice"])

    def near(self, share):
        """A price so far from the market, in percent, on the tick."""
        bid, _ = self.book()
        return (bid * (100 + decimal(share)) / 100).quantize(Decimal("0.01"))

    # The client.

    def __call__(self, call, *arguments, name=None, **parameters):
        name = name or call.__name__
        return self.note(name, lambda: call(*arguments, **parameters))

    def note(self, name, call):
        self.set_clock()
        self.sent.clear()
        try:
            answer = Answer(name, call())
        finally:
            made = self.calls.setdefault(name, [])
            made.extend(request for request in self.sent if request not in made)
        self.answers.append(answer)
        return answer

    def refused(self, kind, said, call, *arguments, name=None, **parameters):
        """A call that must fail with an exception of a kind, of which `said` are code and text."""
        name = name or call.__name__
        try:
            answer = self.note(name, lambda: call(*arguments, **parameters))
        except kind as error:
            found = self.code_and_text(error)
            assert found == said, f"{name}: expected {said}, refused with {found}"
            return
        answer.fail(f"expected {said}")

    def set_clock(self):
        """Sets the client's clock, in its own way, as an order may have moved the server's."""
        raise NotImplementedError

    def code_and_text(self, error):
        """What an exception of the client says of the exchange's no."""
        raise NotImplementedError

    def end(self):
        unseen = [answer.call for answer in self.answers if not answer.looked_at]
        assert not unseen, f"nobody has looked at {unseen}"
        print(json.dumps({"client": self.package, "version": version(self.package), "calls": self.calls}))


class OnMachineTime:
    """For a client that has no clock but the machine's: the server's time goes ahead of it."""

    def catch_up(self, seconds):
        """Server time is so far ahead, and stands still for as long."""
        self.reach(int((self.wall() + seconds) * 1_000_000))

    def set_clock(self):
        if self.now() < self.wall() * 1000:
            self.catch_up(LATE / 1000)
