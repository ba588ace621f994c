// The microphone of the page is a tone; what the other side says is looked at, not listened to.
export function microphone(hertz) {
  const audio = new AudioContext({ sampleRate: 48000 });
  const tone = new OscillatorNode(audio, { frequency: hertz });
  const level = new GainNode(audio, { gain: 0.5 });
  const out = new MediaStreamAudioDestinationNode(audio);
  tone.connect(level).connect(out);
  tone.start();
  return { audio, stream: out.stream };
}

// Decibels by which a tone stands above everything that is not within a few hertz of it or a multiple of it.
export function ear(audio, track) {
  const stream = new MediaStream([track]);
  // Without an element that plays it nothing of a remote stream flows.
  const element = new Audio();
  element.srcObject = stream;
  element.muted = true;
  element.play();
  const analyser = new AnalyserNode(audio, { fftSize: 16384, smoothingTimeConstant: 0 });
  new MediaStreamAudioSourceNode(audio, { mediaStream: stream }).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount);
  return () => {
    analyser.getFloatFrequencyData(bins);
    const width = audio.sampleRate / analyser.fftSize;
    let peak = 0;
    bins.forEach((value, at) => { if (value > bins[peak]) peak = at; });
    let rest = 0;
    bins.forEach((value, at) => {
      const hertz = at * width;
      if (hertz > 50 && Math.abs(at - peak) > 8) rest += 10 ** (value / 10);
    });
    return { hertz: peak * width, level: bins[peak], above: bins[peak] - 10 * Math.log10(rest || 1e-20) };
  };
}
