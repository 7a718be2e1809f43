/** HTML as a type of its own: text becomes markup only by being escaped. */
import { visible } from '../format.js';

/** A piece of finished HTML or SVG. */
export class Markup {
  constructor(readonly source: string) {}
}

type Piece = Markup | string | number | null | readonly Piece[];

/**
 * Tag for templates: everything put in is escaped, unless it is Markup; lists are joined, null leaves nothing. Fit for
 * element content and for attribute values in double quotes, not for scripts or styles.
 */
export function html(strings: TemplateStringsArray, ...pieces: Piece[]): Markup {
  return new Markup(
    strings.reduce((source, text, index) => source + (index > 0 ? render(pieces[index - 1]) : '') + text, ''),
  );
}

function render(piece: Piece): string {
  if (piece === null) {
    return '';
  }
  if (piece instanceof Markup) {
    return piece.source;
  }
  return typeof piece === 'object' ? piece.map(render).join('') : escapeHtml(String(piece));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Line breaks and tabs stay; other control characters and invisible marks are made visible. */
export function escapeHtml(text: string): string {
  return text
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : visible(part)))
    .join('')
    .replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
