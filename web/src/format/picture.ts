/** A chart as PNG: what the page shows of an SVG is drawn again on a canvas, with the colours it has there. */

const SCALE = 2;
const PAD = 16;
const HEAD = 26;

/** Draw a chart with its title above. Only what our charts are made of: rectangles, circles, lines and paths. */
export function picture(svg: SVGSVGElement, title: string): Promise<Blob> {
  const box = svg.getBoundingClientRect();
  const view = svg.viewBox.baseVal;
  const canvas = document.createElement("canvas");
  canvas.width = (box.width + 2 * PAD) * SCALE;
  canvas.height = (box.height + 2 * PAD + HEAD) * SCALE;
  const on = canvas.getContext("2d")!;
  const page = getComputedStyle(document.body);
  on.scale(SCALE, SCALE);
  on.fillStyle = page.backgroundColor;
  on.fillRect(0, 0, canvas.width, canvas.height);
  on.fillStyle = page.color;
  on.font = `600 13px ${page.fontFamily}`;
  on.fillText(title, PAD, PAD + 12, box.width);
  on.translate(PAD, PAD + HEAD);
  const x = box.width / (view.width || box.width);
  const y = box.height / (view.height || box.height);
  for (const each of svg.querySelectorAll<SVGGeometryElement>("rect, circle, line, path")) {
    const shape = shapeOf(each, x, y);
    const style = getComputedStyle(each);
    on.globalAlpha = Number(style.opacity);
    if (style.fill !== "none" && each.tagName !== "line") {
      on.fillStyle = style.fill;
      on.globalAlpha = Number(style.opacity) * Number(style.fillOpacity);
      on.fill(shape);
    }
    if (style.stroke !== "none") {
      on.globalAlpha = Number(style.opacity) * Number(style.strokeOpacity);
      on.strokeStyle = style.stroke;
      on.lineWidth = Number.parseFloat(style.strokeWidth);
      on.lineCap = style.strokeLinecap as CanvasLineCap;
      on.setLineDash(style.strokeDasharray === "none" ? [] : style.strokeDasharray.split(/[ ,]+/).map(Number.parseFloat));
      on.stroke(shape);
    }
  }
  return new Promise((done, failed) => {
    canvas.toBlob((blob) => (blob === null ? failed(new Error("this browser draws no PNG")) : done(blob)), "image/png");
  });
}

function shapeOf(each: SVGGeometryElement, x: number, y: number): Path2D {
  const number = (name: string) => Number(each.getAttribute(name) ?? 0);
  const scaled = new Path2D();
  const shape = new Path2D(each.tagName === "path" ? (each.getAttribute("d") ?? "") : "");
  if (each.tagName === "rect") shape.rect(number("x"), number("y"), number("width"), number("height"));
  if (each.tagName === "circle") shape.arc(number("cx"), number("cy"), number("r"), 0, 2 * Math.PI);
  if (each.tagName === "line") {
    shape.moveTo(number("x1"), number("y1"));
    shape.lineTo(number("x2"), number("y2"));
  }
  scaled.addPath(shape, new DOMMatrix([x, 0, 0, y, 0, 0]));
  return scaled;
}
