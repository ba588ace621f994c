// A phone of unmodified SIP.js, led from outside by `phone`.
import { Inviter, Registerer, RegistererState, SessionState, UserAgent, Web } from 'sip.js';
import { ear, microphone } from './sound.js';

const told = [];
const tell = (what) => told.push(what);

class Phone {
  async start({ url, user, password, hertz }) {
    this.source = microphone(hertz);
    const stream = () => Promise.resolve(this.source.stream);
    this.agent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${user}@offhook.test`),
      transportOptions: { server: url },
      authorizationUsername: user,
      authorizationPassword: password,
      logLevel: 'error',
      sessionDescriptionHandlerFactory: Web.defaultSessionDescriptionHandlerFactory(stream),
      sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
      delegate: {
        onInvite: (invitation) => {
          this.take(invitation);
          tell(`rings: ${invitation.remoteIdentity.uri.user}`);
        },
      },
    });
    await this.agent.start();
    const registerer = new Registerer(this.agent);
    registerer.stateChange.addListener((state) => { if (state === RegistererState.Registered) tell('registered'); });
    await registerer.register({ requestDelegate: { onReject: () => tell('registration failed') } });
  }

  take(session) {
    this.session = session;
    session.stateChange.addListener((state) => {
      if (state === SessionState.Established) {
        const receiver = session.sessionDescriptionHandler.peerConnection.getReceivers()[0];
        tell(`streams ${session.sessionDescriptionHandler.remoteMediaStream.getTracks().length}`);
        this.ear = ear(this.source.audio, receiver.track);
        tell('confirmed');
      }
      if (state === SessionState.Terminated) tell('ended: terminated');
    });
  }

  call(target) {
    this.take(new Inviter(this.agent, UserAgent.makeURI(`sip:${target}@offhook.test`)));
    this.session.invite();
  }

  answer() { this.session.accept(); }
  again(hold, word) {
    this.session.sessionDescriptionHandlerOptionsReInvite = { hold };
    return this.session.invite({ requestDelegate: { onAccept: () => tell(word), onReject: () => tell(`no ${word}`) } });
  }
  hold() { this.again(true, 'hold'); }
  unhold() { this.again(false, 'unhold'); }
  key(tone) { this.session.sessionDescriptionHandler.sendDtmf(tone); }
  end() { this.session.bye(); }
  heard() { return this.ear?.(); }
  told() { return told; }
  async connection() {
    const { peerConnection } = this.session.sessionDescriptionHandler;
    const found = [];
    (await peerConnection.getStats()).forEach((one) => {
      if (one.type === 'transport') found.push(`${one.dtlsState} ${one.tlsVersion} ${one.srtpCipher}`);
      if (one.type === 'codec') found.push(one.mimeType);
    });
    return `${peerConnection.iceConnectionState} ${found.join(' ')}`;
  }
}

window.phone = new Phone();
