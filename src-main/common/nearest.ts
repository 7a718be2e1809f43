/**
 * The candidate most like `word`, for "did you mean": smallest Levenshtein distance without regard to case, the first
 * among equals. Undefined only when there are no candidates.
 */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * `Did you mean 'tile'? ` with a space behind it, or nothing where no candidate is like the word: one in which half of
 * the letters are others would only puzzle.
 */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const candidate = nearest(word, candidates);
  const alike =
    candidate !== undefined &&
    editDistance(word.toLowerCase(), candidate.toLowerCase()) * 2 < Math.max(word.length, candidate.length);
  return alike ? `Did you mean '${candidate}'? ` : '';
}

/** Levenshtein distance: insertions, deletions and substitutions that turn `from` into `to`. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, substitution));
    }
    row = next;
  }
  return row[to.length];
}
