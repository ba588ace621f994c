// A phone of unmodified JsSIP, led from outside by `phone`.
import JsSIP from 'jssip';
import { ear, microphone } from './sound.js';

const told = [];
const tell = (what) => told.push(what);

class Phone {
  start({ url, user, password, hertz }) {
    this.source = microphone(hertz);
    this.agent = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(url)], uri: `sip:${user}@offhook.test`, password });
    this.agent.on('registered', () => tell('registered'));
    this.agent.on('registrationFailed', (event) => tell(`registration failed: ${event.cause}`));
    this.agent.on('newRTCSession', ({ session, originator }) => {
      this.session = session;
      for (const name of ['confirmed', 'hold', 'unhold']) session.on(name, () => tell(name));
      session.on('ended', (event) => tell(`ended: ${event.cause}`));
      session.on('failed', (event) => tell(`failed: ${event.cause}`));
      session.on('newDTMF', ({ originator: from, dtmf }) => tell(`${from} key ${dtmf.tone}`));
      const listen = (connection) => connection.addEventListener('track', ({ track, streams }) => {
        tell(`streams ${streams.length}`);
        this.ear = ear(this.source.audio, track);
      });
      if (session.connection) listen(session.connection);
      else session.on('peerconnection', ({ peerconnection }) => listen(peerconnection));
      if (originator === 'remote') tell(`rings: ${session.remote_identity.uri.user}`);
    });
    this.agent.start();
  }

  options() {
    return { mediaStream: this.source.stream, pcConfig: { iceServers: [] } };
  }

  call(target) { this.agent.call(`sip:${target}@offhook.test`, this.options()); }
  answer() { this.session.answer(this.options()); }
  hold() { this.session.hold(); }
  unhold() { this.session.unhold(); }
  key(tone) { this.session.sendDTMF(tone, { transportType: 'RFC2833' }); }
  end() { this.session.terminate(); }
  heard() { return this.ear?.(); }
  told() { return told; }
  async connection() { return describe(this.session.connection); }
}

async function describe(connection) {
  const found = [];
  (await connection.getStats()).forEach((one) => {
    if (one.type === 'transport') found.push(`${one.dtlsState} ${one.tlsVersion} ${one.srtpCipher}`);
    if (one.type === 'codec') found.push(one.mimeType);
  });
  return `${connection.iceConnectionState} ${found.join(' ')}`;
}

window.phone = new Phone();
