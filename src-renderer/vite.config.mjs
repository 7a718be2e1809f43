import { svelte } from '@sveltejs/vite-plugin-svelte';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative addresses: the same files are served by the browser host and by Electron's own scheme.
  base: './',
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: '../dist/window',
    emptyOutDir: true,
    target: 'es2023',
    // The content security policy of the hosts allows files only, no inlined data.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
