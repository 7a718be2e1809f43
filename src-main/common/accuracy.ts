/**
 * Share of labelled samples whose predicted class is the label, as every figure called accuracy has it.
 *
 * @param predicted class per sample
 * @param labels true class per sample, null where it is not known; may be longer than `predicted`
 * @returns null where no sample has a label
 */
export function accuracy(predicted: readonly number[], labels: ArrayLike<number | null>): number | null {
  let labelled = 0;
  let correct = 0;
  predicted.forEach((predictedClass, index) => {
    if (labels[index] !== null) {
      labelled++;
      correct += predictedClass === labels[index] ? 1 : 0;
    }
  });
  return labelled === 0 ? null : correct / labelled;
}
