/**
 * SCPI command headers (SCPI-99 volume 1, 6.2): a pattern such as `[:SOURce]:VOLTage[:LEVel]` matches the long form of
 * each node or its short form (the capitals), in any case, with nodes in brackets left out or not, and with the numeric
 * suffix 1 that a one-channel instrument may be addressed by.
 */
export interface HeaderPattern {
  nodes: { long: string; short: string; optional: boolean }[];
  query: boolean;
}

export function compileHeader(pattern: string): HeaderPattern {
  const query = pattern.endsWith('?');
  const nodes = [...pattern.replace('?', '').matchAll(/(\[?):?([*A-Za-z]+)\]?/g)].map(
    ([, bracket, name]) => ({
      long: name.toUpperCase(),
      short: name.replace(/[a-z]/g, ''),
      optional: bracket === '[',
    }),
  );
  return { nodes, query };
}

export function headerMatches(pattern: HeaderPattern, words: readonly string[], query: boolean): boolean {
  return pattern.query === query && matchFrom(pattern, 0, words, 0);
}

function matchFrom(pattern: HeaderPattern, node: number, words: readonly string[], word: number): boolean {
  if (node === pattern.nodes.length) {
    return word === words.length;
  }
  const { long, short, optional } = pattern.nodes[node];
  if (word < words.length) {
    const text = words[word].toUpperCase().replace(/1$/, '');
    if ((text === long || text === short) && matchFrom(pattern, node + 1, words, word + 1)) {
      return true;
    }
  }
  return optional && matchFrom(pattern, node + 1, words, word);
}
