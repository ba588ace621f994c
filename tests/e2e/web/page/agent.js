// Before the softphone's page has begun: its microphone becomes a tone, and what comes to it is measured.
import { ear, microphone } from './sound.js';

export function prepare(hertz) {
  let source;
  const tone = () => (source ??= microphone(hertz));
  navigator.mediaDevices.getUserMedia = () => Promise.resolve(new MediaStream(tone().stream.getTracks().map((track) => track.clone())));
  const Plain = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Plain {
    constructor(...given) {
      super(...given);
      this.addEventListener('track', ({ track }) => { window.heard = ear(tone().audio, track); });
    }
  };
}
