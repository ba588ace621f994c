// A Chromium that is led line by line from outside: reads `word argument` from the input and answers each with one line, `ok ...`
// or `error ...`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

/** `end` closes it and takes away what it has written. */
export async function openChromium(options = {}, switches = []) {
  const profile = await mkdtemp(join(tmpdir(), 'offhook-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    timeout: 120000,
    ignoreHTTPSErrors: true,
    ...options,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio',
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection', ...switches,
    ],
  });
  context.setDefaultTimeout(60000);
  const end = async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { context, end };
}

/** Waits for what may take a while on a busy machine. */
export async function until(condition, patience = 60000) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await condition();
    if (found) return found;
    if (Date.now() > end) return null;
    await new Promise((next) => setTimeout(next, 100));
  }
}

/** Words about what is heard, by a function that measures it. */
export function listening(heard, describe) {
  return {
    async hears(tone) {
      let last;
      const found = await until(async () => {
        last = await heard();
        return last && Math.abs(last.hertz - Number(tone)) < 6 && last.level > -45 && last.above > 10;
      });
      if (!found) throw new Error(`${tone} Hz were not heard but ${JSON.stringify(last)}; ${await describe()}`);
      return `${last.hertz.toFixed(1)} Hz ${last.level.toFixed(1)} dB`;
    },
    async silence() {
      const found = await until(async () => { const now = await heard(); return !now || now.level < -70; });
      if (!found) throw new Error(`it is not silent: ${JSON.stringify(await heard())}`);
    },
  };
}

/** Does as it is told until the input ends. `other` is asked for words that nobody knows. */
export async function obey(words, other) {
  console.log('ok ready');
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, ...rest] = line.split(' ');
    const argument = rest.length ? rest.join(' ') : undefined;
    try {
      const told = words[word] ? await words[word](argument) : await other(word, argument);
      console.log(`ok ${told ?? ''}`);
    } catch (error) {
      console.log(`error ${String(error).replaceAll('\n', ' ')}`);
    }
  }
}
