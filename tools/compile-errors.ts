/** `node dist/tools/compile-errors.js` writes docs/compile-errors.md: what the compiler says to bad input, as it says it now. */
import { writeFile } from 'node:fs/promises';
import { resourcePath } from '../src-main/common/resources.js';
import { compileErrorGallery, GALLERY_FILE } from './gallery/compile-errors.js';

await writeFile(resourcePath(...GALLERY_FILE), compileErrorGallery());
console.log(`${GALLERY_FILE.join('/')} is what the compiler says now`);
