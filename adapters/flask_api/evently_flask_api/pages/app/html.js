// The one way to make elements. Values in a template become text or attributes, never markup.
export { html, svg, nothing, render } from "./vendor/lit-html/lit-html.js";
export { repeat } from "./vendor/lit-html/directives/repeat.js";
export { live } from "./vendor/lit-html/directives/live.js";
export { styleMap } from "./vendor/lit-html/directives/style-map.js";
export { keyed } from "./vendor/lit-html/directives/keyed.js";
