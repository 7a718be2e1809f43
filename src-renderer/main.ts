import 'uplot/dist/uPlot.min.css';
import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { Bench } from './bench.svelte.js';
import { Router } from './router.svelte.js';
import { createTransport } from './transport.js';

// The token of the address has become a cookie; it need not stay where a screenshot or a copied address shows it.
if (location.search !== '') {
  history.replaceState(null, '', location.pathname + location.hash);
}

const target = document.getElementById('app');
if (target) {
  mount(App, { target, props: { bench: new Bench(createTransport()), router: new Router() } });
}
