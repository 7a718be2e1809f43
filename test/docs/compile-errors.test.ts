import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { resourcePath } from '../../src-main/common/resources.js';
import { compileErrorGallery, GALLERY_FILE } from '../../tools/gallery/compile-errors.js';

/** Numbers and quantities change with every better plan; line breaks follow them. */
function withoutNumbers(text: string): string {
  return text.replace(/\d[\d.,]*( [munp]?[JFV]\b)?/g, '#').replace(/\s+/g, ' ');
}

test('docs/compile-errors.md is what the compiler says; else run: node dist/tools/compile-errors.js', () => {
  const gallery = compileErrorGallery();
  assert.equal(gallery.match(/^## /gm)?.length, 10);
  const committed = readFileSync(resourcePath(...GALLERY_FILE), 'utf8');
  assert.equal(withoutNumbers(committed), withoutNumbers(gallery));
});
