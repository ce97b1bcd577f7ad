// Curves and columns as SVG: they take the colours of the page, and a table behind them says the same.

import { html, nothing, svg } from "./html.js";

const NARROW = matchMedia("(max-width: 40rem)"); // there a chart has fewer units, so that its letters stay as large
const PAD = { top: 12, right: 8, bottom: 22, left: 40 };

/**
 * Draw curves over one axis.
 * @param options.label what a screen reader is told
 * @param options.curves [{name, kind, points: [[x, y]], filled}]; kind is go, wait, ink or stop
 * @param options.goal {value, name}: a line that is not to be crossed
 * @param options.wide whether it has the whole width of the page
 * @param options.xText, options.yText how places on the axes are written
 */
export function curveChart({ label, curves, goal, xText, yText = String, wide = false, height = 240 }) {
  const width = widthOf(wide);
  const points = curves.flatMap(({ points: own }) => own);
  if (points.length < 2) return html`<p class="quiet small">Nothing to draw yet.</p>`;
  const [left, right] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const top = niceTop(Math.max(1, goal?.value ?? 0, ...points.map(([, y]) => y)));
  const x = (value) => PAD.left + ((value - left) / (right - left || 1)) * (width - PAD.left - PAD.right);
  const y = (value) => height - PAD.bottom - (value / top) * (height - PAD.top - PAD.bottom);
  return html`<figure class="chart">
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label=${label}>
      ${grid(top, y, width, yText)}
      ${[0, 0.5, 1].map((share) => {
        const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
        const at = left + (right - left) * share;
        return svg`<text x=${x(at)} y=${height - 6} text-anchor=${anchor}>${xText(at)}</text>`;
      })}
      ${curves.map((curve) => curveOf(curve, x, y, height - PAD.bottom))}
      ${goal ? svg`<line class="goal c-ink" x1=${PAD.left} x2=${width - PAD.right} y1=${y(goal.value)} y2=${y(goal.value)}></line>` : nothing}
    </svg>
    <figcaption>${curves.map(({ name, kind }) => html`<span class="key c-${kind}">${name}</span>`)}${goal ? html`<span class="key c-ink">${goal.name}</span>` : nothing}</figcaption>
  </figure>`;
}

/**
 * Draw columns.
 * @param options.columns [{name, value, kind}]
 */
export function columnChart({ label, columns, yText = String, wide = true, height = 240 }) {
  if (!columns.length) return html`<p class="quiet small">Nothing to draw yet.</p>`;
  const width = widthOf(wide);
  const top = niceTop(Math.max(1, ...columns.map(({ value }) => value)));
  const bottom = Math.min(0, ...columns.map(({ value }) => value));
  const y = (value) => PAD.top + ((top - value) / (top - bottom)) * (height - PAD.top - PAD.bottom);
  const step = (width - PAD.left - PAD.right) / columns.length;
  const every = Math.ceil(columns.length / 8);
  return html`<figure class="chart">
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label=${label}>
      ${grid(top, y, width, yText)}
      ${columns.map(({ name, value, kind = "go" }, index) => svg`<g class="c-${kind}">
        <rect class="column" x=${PAD.left + index * step + step * 0.15} width=${Math.max(1, step * 0.7)} y=${Math.min(y(0), y(value))} height=${Math.abs(y(value) - y(0))} rx="2"><title>${name}: ${yText(value)}</title></rect>
        ${index % every === 0 ? svg`<text x=${PAD.left + (index + 0.5) * step} y=${height - 6} text-anchor="middle">${name}</text>` : nothing}
      </g>`)}
    </svg>
  </figure>`;
}

/** The same as a table, for whoever reads rather than looks. */
export function behind(summary, heads, rows) {
  return html`<details><summary class="small">${summary}</summary><div class="scroll" tabindex="0" role="region" aria-label=${summary}><table>
    <thead><tr>${heads.map((head, index) => html`<th scope="col" class=${index ? "end" : ""}>${head}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, index) => html`<td class=${index ? "end" : ""}>${cell}</td>`)}</tr>`)}</tbody>
  </table></div></details>`;
}

function curveOf({ points, kind, filled = false }, x, y, floor) {
  if (!points.length) return nothing;
  const places = points.map(([at, value]) => [x(at).toFixed(1), y(value).toFixed(1)]);
  const path = places.map(([px, py], index) => `${index ? "L" : "M"}${px} ${py}`).join("");
  const area = `${path}L${places.at(-1)[0]} ${floor}L${places[0][0]} ${floor}Z`;
  return svg`<g class="c-${kind}">${filled ? svg`<path class="area" d=${area}></path>` : nothing}<path class="curve" d=${path}></path></g>`;
}

function widthOf(wide) {
  return NARROW.matches ? 360 : wide ? 1040 : 640;
}

function grid(top, y, width, text) {
  return [0, 0.5, 1].map((share) => svg`<line class="axis" x1=${PAD.left} x2=${width - PAD.right} y1=${y(top * share)} y2=${y(top * share)}></line>
    <text x=${PAD.left - 6} y=${y(top * share) + 4} text-anchor="end">${text(top * share)}</text>`);
}

/** Return the next round number that is even, so that half of it is round as well. */
function niceTop(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  const nice = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * size >= value && Number.isInteger((step * size) / 2));
  return (nice ?? 20) * size;
}
