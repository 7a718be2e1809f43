/**
 * Names signals that the surrounding effect or derivation depends on without using their values, for example the
 * version of an array that is changed in place. Reading them as arguments is what registers them.
 */
export function track(...signals: readonly unknown[]): void {
  signals.at(0);
}
