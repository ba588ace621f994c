#!/usr/bin/env python3
"""Makes prompts/music/waiting.wav: twelve seconds of slow arpeggios that begin again where they end. Standard library only."""

import math
import os
import struct
import wave

RATE = 8_000
CHORDS = [(261.63, 329.63, 392.00, 523.25), (220.00, 261.63, 329.63, 440.00), (174.61, 220.00, 261.63, 349.23), (196.00, 246.94, 293.66, 392.00)]
NOTE = 0.375
NOTES = 8
LASTS = 1.5


def pluck(samples, start, hertz):
    """Adds one note that fades; what is beyond the end sounds at the beginning, so that the loop has no seam."""
    count = int(LASTS * RATE)
    for at in range(count):
        time = at / RATE
        fade = math.exp(-3.0 * time) * min(1.0, time / 0.01)
        tone = math.sin(2 * math.pi * hertz * time) + 0.3 * math.sin(4 * math.pi * hertz * time)
        samples[(start + at) % len(samples)] += 2_600 * fade * tone


def main():
    samples = [0.0] * int(len(CHORDS) * NOTES * NOTE * RATE)
    for bar, chord in enumerate(CHORDS):
        for note in range(NOTES):
            order = (0, 1, 2, 3, 2, 1, 2, 3)
            pluck(samples, int((bar * NOTES + note) * NOTE * RATE), chord[order[note]])
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "prompts", "music")
    os.makedirs(folder, exist_ok=True)
    with wave.open(os.path.join(folder, "waiting.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", int(max(-32_767, min(32_767, sample)))) for sample in samples))


if __name__ == "__main__":
    main()
