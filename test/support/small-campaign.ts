/** The bundled digits, slow enough to lose power in every inference of the smallest campaign; `changes` replace keys. */
export function smallCampaign(changes: Record<string, string> = {}): string {
  const keys: Record<string, string> = {
    name: 'Small',
    models: '[{ file: digits.onnx, data: digits-eval.npz, calibration: digits-calibration.npz }]',
    strategies: '[tile]',
    kernels: '[reference]',
    capacitances: '[470 uF]',
    harvests: '[{ constant: { volts: 5 V, amps: 10 mA } }]',
    samples: '1',
    ...changes,
  };
  return Object.entries(keys)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}
