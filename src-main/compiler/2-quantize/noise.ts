/** Signal-to-quantization-noise ratio: energy of the float values over the energy of what int8 changed in them. */
export class Noise {
  private signal = 0;
  private noise = 0;

  add(reference: Float32Array, values: ArrayLike<number>): void {
    let [signal, noise] = [0, 0];
    for (let i = 0; i < reference.length; i++) {
      const difference = reference[i] - values[i];
      signal += reference[i] * reference[i];
      noise += difference * difference;
    }
    this.signal += signal;
    this.noise += noise;
  }

  /** 10 log10(signal / noise); Infinity for exact values, -Infinity where zeros became something else. */
  get decibels(): number {
    return this.noise === 0 ? Infinity : 10 * Math.log10(this.signal / this.noise);
  }
}
