#!/usr/bin/env python3
"""Makes the prompts of prompts/ anew with espeak-ng, as mu-law WAV of 8 kHz. The daemon needs neither this nor espeak-ng.

    tools/make-prompts.py [folder [piece...]]

Each piece is spoken alone, cut to its sound, brought to one loudness and written under the name that
src/domain/flow/say asks for.
"""
import array
import math
import operator
import pathlib
import struct
import subprocess
import sys

RATE_IN, RATE_OUT = 22050, 8000
UP, DOWN = 160, 441
HALF = 44
LOUDNESS = 2600.0
PEAK = 20000.0

ENGLISH = {f"number/{n}": str(n) for n in [*range(21), 30, 40, 50, 60, 70, 80, 90]}
ENGLISH |= {f"word/{w}": w for w in ["hundred", "thousand", "million", "billion", "minus", "point", "plus", "star", "and", "oh"]}
ENGLISH |= {"word/pound-key": "pound", "word/am": "a m", "word/pm": "p m"}
ENGLISH |= {f"month/{n + 1}": m for n, m in enumerate(
    "January February March April May June July August September October November December".split())}
ORDINALS = """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth
twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first""".split()
ENGLISH |= {f"day/{n + 1}": day for n, day in enumerate(ORDINALS)}
ENGLISH |= {f"money/{w}": w for w in "dollar dollars cent cents euro euros pound pounds penny pence yen".split()}
ENGLISH |= {
    "for-english": "For English, press 1.",
    "welcome": "Welcome to the order desk.",
    "menu": "To hear about your order, press 1. To cancel it, press 2. To talk to somebody, press 3.",
    "please-wait": "One moment, please.",
    "no-order": "We have found no order for your number.",
    "your-order": "Your order number is",
    "ships-on": "It ships on",
    "sure": "To cancel your order, press 1. To keep it, press 2.",
    "cancelled": "Your order is cancelled.",
    "kept": "Your order is kept.",
    "connecting": "We connect you now.",
    "nobody": "Nobody can take your call at the moment.",
    "sorry": "I am sorry, something went wrong.",
    "not-a-choice": "That was not one of the choices.",
    "goodbye": "Thank you for calling. Goodbye.",
}

DIGITS = "ぜろ いち に さん よん ご ろく なな はち きゅう".split()
HUNDREDS = "ひゃく にひゃく さんびゃく よんひゃく ごひゃく ろっぴゃく ななひゃく はっぴゃく きゅうひゃく".split()
THOUSANDS = "せん にせん さんぜん よんせん ごせん ろくせん ななせん はっせん きゅうせん".split()
JAPANESE = {f"number/{n}": w for n, w in enumerate(DIGITS)}
JAPANESE |= {f"number/{n * 10}": ("" if n == 1 else DIGITS[n]) + "じゅう" for n in range(1, 10)}
JAPANESE |= {f"number/{(n + 1) * 100}": w for n, w in enumerate(HUNDREDS)}
JAPANESE |= {f"number/{(n + 1) * 1000}": w for n, w in enumerate(THOUSANDS)}
JAPANESE |= {
    "number/1000-many": "いっせん", "word/man": "まん", "word/oku": "おく", "word/minus": "まいなす", "word/point": "てん",
    "word/plus": "ぷらす", "word/star": "こめじるし", "word/sharp": "しゃーぷ", "word/no": "の", "word/year": "ねん",
    "word/gozen": "ごぜん", "word/gogo": "ごご",
    "money/yen": "えん", "money/yen-4": "よえん", "money/dollar": "どる", "money/cent": "せんと", "money/euro": "ゆーろ",
    "money/pound": "ぽんど", "money/penny": "ぺんす",
}
MONTHS = "いち に さん し ご ろく しち はち く じゅう じゅういち じゅうに".split()
JAPANESE |= {f"month/{n + 1}": w + "がつ" for n, w in enumerate(MONTHS)}
DAYS = """ついたち ふつか みっか よっか いつか むいか なのか ようか ここのか とおか じゅういちにち じゅうににち じゅうさんにち
じゅうよっか じゅうごにち じゅうろくにち じゅうしちにち じゅうはちにち じゅうくにち はつか にじゅういちにち にじゅうににち
にじゅうさんにち にじゅうよっか にじゅうごにち にじゅうろくにち にじゅうしちにち にじゅうはちにち にじゅうくにち さんじゅうにち
さんじゅういちにち""".split()
JAPANESE |= {f"day/{n + 1}": w for n, w in enumerate(DAYS)}
HOURS = "れい いち に さん よ ご ろく しち はち く じゅう じゅういち".split()
JAPANESE |= {f"hour/{n}": w + "じ" for n, w in enumerate(HOURS)}
MINUTES = "いっぷん にふん さんぷん よんぷん ごふん ろっぷん ななふん はっぷん きゅうふん".split()
JAPANESE |= {f"minute/{n + 1}": w for n, w in enumerate(MINUTES)}
JAPANESE |= {f"minute/{n * 10}": ("" if n == 1 else DIGITS[n]) + "じゅっぷん" for n in range(1, 6)}
JAPANESE |= {
    "for-japanese": "にほんごは に を おしてください。",
    "welcome": "ごちゅうもんまどぐちです。",
    "menu": "ごちゅうもんのかくにんは いち。きゃんせるは に。たんとうしゃとのおはなしは さん を おしてください。",
    "please-wait": "しょうしょう おまちください。",
    "no-order": "おきゃくさまの ごちゅうもんは みつかりませんでした。",
    "your-order": "ごちゅうもんばんごうは",
    "ships-on": "はっそうびは",
    "sure": "きゃんせるするばあいは いち。しないばあいは に を おしてください。",
    "cancelled": "ごちゅうもんを きゃんせるしました。",
    "kept": "ごちゅうもんは そのままです。",
    "connecting": "おつなぎします。",
    "nobody": "ただいま でんわに でられません。",
    "sorry": "もうしわけ ございません。えらーが はっせいしました。",
    "not-a-choice": "そのばんごうは えらべません。",
    "goodbye": "おでんわ ありがとうございました。しつれいいたします。",
}


def speak(voice, text):
    """Samples of a text, at the rate of espeak-ng."""
    command = ["espeak-ng", "-v", voice, "-s", "150", "-a", "120", "--stdout", text]
    audio = subprocess.run(command, check=True, capture_output=True).stdout
    at = audio.index(b"data") + 8
    samples = array.array("h")
    samples.frombytes(audio[at:at + (len(audio) - at) // 2 * 2])
    return samples


def phases():
    """The low-pass between the two rates, one row for each place between two samples."""
    cut = 0.92 * RATE_OUT / RATE_IN
    rows = []
    for phase in range(UP):
        row = []
        for tap in range(-HALF, HALF):
            x = tap - phase / UP
            sinc = cut if x == 0 else math.sin(math.pi * cut * x) / (math.pi * x)
            window = 0.5 + 0.5 * math.cos(math.pi * x / (HALF + 1))
            row.append(sinc * window)
        rows.append(row)
    return rows


PHASES = phases()


def narrow(samples):
    padded = [0] * HALF + list(samples) + [0] * (HALF + 1)
    count = len(samples) * UP // DOWN
    out = []
    for n in range(count):
        whole, phase = divmod(n * DOWN, UP)
        out.append(sum(map(operator.mul, PHASES[phase], padded[whole:whole + 2 * HALF])))
    return out


def trim(samples):
    """Without the silence around it; a hundredth of a second stays."""
    floor = 0.01 * max(map(abs, samples))
    loud = [n for n, sample in enumerate(samples) if abs(sample) > floor]
    margin = RATE_OUT // 100
    return samples[max(0, loud[0] - margin):loud[-1] + 3 * margin]


def level(samples):
    loudness = math.sqrt(sum(sample * sample for sample in samples) / len(samples))
    gain = min(LOUDNESS / loudness, PEAK / max(map(abs, samples)))
    return [int(round(sample * gain)) for sample in samples]


def mu_law(sample):
    """One octet, by G.711."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    exponent = magnitude.bit_length() - 8
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF


def write(path, samples):
    octets = bytes(map(mu_law, samples))
    pad = b"\0" * (len(octets) % 2)
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 7, 1, RATE_OUT, RATE_OUT, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(octets))
    body = b"WAVE" + form + fact + struct.pack("<4sI", b"data", len(octets)) + octets + pad
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(body)) + body)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "prompts")
    for language, voice, pieces in [("en", "en-us", ENGLISH), ("ja", "ja", JAPANESE)]:
        for name, text in pieces.items():
            if len(sys.argv) > 2 and name not in sys.argv[2:]:
                continue
            write(root / language / f"{name}.wav", level(trim(narrow(speak(voice, text)))))
    print(sum(len(pieces) for pieces in [ENGLISH, JAPANESE]), "prompts in", root)


if __name__ == "__main__":
    main()
