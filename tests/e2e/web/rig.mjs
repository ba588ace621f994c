// The softphone's page in Chromium before a daemon that is not one; a second page is the other end of the audio.
import { openChromium } from './led.mjs';
import { Fake } from '../../../web/test/fake.mjs';

/** `options`: what Playwright knows of a context, as the size and the colours. */
export async function openRig({ fake: given, ...options } = {}) {
  const { context, end } = await openChromium(options, ['--disable-features=WebRtcHideLocalIpsWithMdns']);
  const far = await context.newPage();
  const fake = await new Fake({ media: farEnd(far), ...given }).start();
  await far.goto(`http://localhost:${fake.port}/icon.svg`);
  await far.evaluate(() => { window.ends = new Map(); });
  const faults = [];
  const open = async (path = '/', before) => {
    const page = await context.newPage();
    if (before) await page.addInitScript(before);
    page.on('pageerror', (error) => faults.push(`${path}: ${error}`));
    page.on('console', (message) => { if (message.type() === 'error') faults.push(`${path}: ${message.text()}`); });
    await page.goto(`http://localhost:${fake.port}${path}`);
    return page;
  };
  const close = async () => {
    fake.stop();
    await end();
  };
  return { context, fake, far, open, close, faults };
}

/** The far page speaks a tone into each contact. It tells all of its candidates at once, as the daemon does. */
function farEnd(page) {
  return {
    offer: (id) => page.evaluate(async (name) => {
      const connection = new RTCPeerConnection();
      const audio = new AudioContext();
      const out = new MediaStreamAudioDestinationNode(audio);
      const tone = new OscillatorNode(audio, { frequency: 1000 });
      tone.connect(out);
      tone.start();
      connection.addTrack(out.stream.getTracks()[0]);
      window.ends.set(name, connection);
      await connection.setLocalDescription();
      while (connection.iceGatheringState !== 'complete') await new Promise((next) => { connection.onicegatheringstatechange = next; });
      return connection.localDescription.sdp;
    }, id),
    takeAnswer: (id, sdp) => page.evaluate(([name, answer]) => window.ends.get(name).setRemoteDescription({ type: 'answer', sdp: answer }), [id, sdp]),
    answer: (id, sdp) => page.evaluate(async ([name, offer]) => {
      window.ends.get(name)?.close();
      const connection = new RTCPeerConnection();
      const audio = new AudioContext();
      const out = new MediaStreamAudioDestinationNode(audio);
      const tone = new OscillatorNode(audio, { frequency: 1000 });
      tone.connect(out);
      tone.start();
      connection.addTrack(out.stream.getTracks()[0]);
      window.ends.set(name, connection);
      await connection.setRemoteDescription({ type: 'offer', sdp: offer });
      await connection.setLocalDescription();
      while (connection.iceGatheringState !== 'complete') await new Promise((next) => { connection.onicegatheringstatechange = next; });
      return connection.localDescription.sdp;
    }, [id, sdp]),
    close: (id) => page.evaluate((name) => { window.ends.get(name)?.close(); window.ends.delete(name); }, id).catch(() => {}),
  };
}
