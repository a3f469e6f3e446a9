// What a person would complain about, found by geometry: text on text, text cut, text too small,
// text too faint, a scroll bar. Returns sentences.
(limits) => {
  const found = [];
  const parse = (text) => {
    const n = (text.match(/-?[\d.]+(e-?\d+)?%?/g) || []).map(parseFloat);
    if (text.startsWith("color(srgb")) return [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1];
    return [n[0], n[1], n[2], n[3] ?? 1];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const luminance = (c) => {
    const [r, g, b] = c.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const grounds = (element) => {
    const layers = [];
    // A word in a picture stands on the shape drawn just before it.
    const plate = element.localName === "text" && element.previousElementSibling;
    if (plate && plate.localName === "rect" && element.parentElement.localName === "g") {
      const fill = getComputedStyle(plate).fill;
      if (fill !== "none") layers.push([parse(fill)]);
    }
    for (let e = element; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      const gradient = style.backgroundImage.match(/(rgba?|color)\([^)]*\)/g);
      if (gradient && style.backgroundImage.includes("gradient")) { layers.push(gradient.map(parse)); if (gradient.every((g) => parse(g)[3] === 1)) break; }
      const color = parse(style.backgroundColor);
      if (color[3] > 0) { layers.push([color]); if (color[3] === 1) break; }
    }
    return layers.reverse().reduce((under, tops) => under.flatMap((u) => tops.map((t) => over(t, u))), [[0, 0, 0, 1]]);
  };
  const titled = (e) => e.closest("[title]") || e.closest("svg[aria-label]");

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode()); ) {
    const words = node.data.trim();
    const element = node.parentElement;
    if (!words || !element.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize) * (element instanceof SVGElement && element.ownerSVGElement.viewBox.baseVal?.width ? element.getScreenCTM().a : 1);
    for (const rect of range.getClientRects()) {
      if (rect.width < 1) continue;
      let box = { left: rect.left, right: rect.right, top: rect.top, bottom: rect.bottom };
      const height = rect.height;
      let hidden = false;
      for (let e = element; e && e !== document.body; e = e.parentElement) {
        const s = getComputedStyle(e);
        if (s.overflowX === "visible" || e instanceof SVGElement) continue;
        const clip = e.getBoundingClientRect();
        const inside = { left: Math.max(box.left, clip.left), right: Math.min(box.right, clip.right), top: Math.max(box.top, clip.top), bottom: Math.min(box.bottom, clip.bottom) };
        const across = box.right - inside.right > 1.5 || inside.left - box.left > 1.5;
        const down = inside.bottom < box.bottom - height * 0.22 || inside.top > box.top + height * 0.22;
        if (across && !(s.textOverflow === "ellipsis" && titled(e))) found.push(`"${words}" is cut across in .${e.className}`);
        if (down && s.webkitLineClamp === "none" && s.maskImage === "none") found.push(`"${words}" is cut below in .${e.className}`);
        box = inside;
        if (box.right - box.left < 1 || box.bottom - box.top < 1) { hidden = true; break; }
      }
      if (hidden) continue;
      if (box.right > innerWidth + 1) found.push(`"${words}" runs out of the screen`);
      const trim = (box.bottom - box.top) * 0.2;
      texts.push({ words, element, node, left: box.left + 1, right: box.right - 1, top: box.top + trim, bottom: box.bottom - trim });
    }
    const large = element.closest(".value, .gauge .number");
    const main = (large && !element.closest("small")) || element.closest("h2");
    const least = main ? limits.main : limits.least;
    if (size < least - 0.05) found.push(`"${words}" is ${size.toFixed(1)} px, ${least} is the least`);
    let ink = parse(element instanceof SVGElement ? style.fill : style.color);
    let opacity = ink[3];
    for (let e = element; e; e = e.parentElement) opacity *= parseFloat(getComputedStyle(e).opacity);
    const needs = large && !element.closest("small") ? 7 : 4.5;
    for (const ground of grounds(element)) {
      const has = contrast(over([ink[0], ink[1], ink[2], opacity], ground), ground);
      if (has < needs) found.push(`"${words}" has a contrast of ${has.toFixed(2)}, ${needs} is the least (.${element.getAttribute("class")} in #${element.closest("article")?.id})`);
    }
  }
  for (let i = 0; i < texts.length; i++)
    for (let j = i + 1; j < texts.length; j++) {
      const a = texts[i], b = texts[j];
      if (a.node !== b.node && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
        found.push(`"${a.words}" lies on "${b.words}"`);
    }
  const root = document.scrollingElement;
  if (limits.still && root.scrollHeight > innerHeight) found.push(`the wall scrolls: ${root.scrollHeight} > ${innerHeight}`);
  if (root.scrollWidth > innerWidth) found.push(`the wall scrolls sideways: ${root.scrollWidth} > ${innerWidth}`);
  return [...new Set(found)];
};
