"""How results look in notebooks, light or dark, beside whatever else is on the page."""

STYLE = """
.pixelrl-result { font: 14px/1.4 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  color: inherit; max-width: 900px; }
.pixelrl-result section + section { margin-top: 20px; }
.pixelrl-result p { margin: 6px 0; opacity: .75; }
.pixelrl-result .head { opacity: 1; font-weight: 600; }
.pixelrl-result .row { display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start; }
.pixelrl-result figure { margin: 0; width: var(--width); min-width: min(200px, 100%);
  max-width: 100%; }
.pixelrl-result .wipe, .pixelrl-result .map { position: relative; overflow: hidden; width: 100%;
  border-radius: 4px; }
.pixelrl-result img { display: block; width: 100%; height: 100%; max-width: none; margin: 0;
}
.pixelrl-result .wipe img { position: absolute; inset: 0; }
.pixelrl-result .before { clip-path: inset(0 calc(100% - var(--at)) 0 0); }
.pixelrl-result i { position: absolute; inset: 0 auto 0 var(--at); width: 2px; margin-left: -1px;
  background: #fff; box-shadow: 0 0 3px #000; pointer-events: none; }
.pixelrl-result .wipe input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0;
  opacity: 0; cursor: ew-resize; }
.pixelrl-result .wipe:focus-within { outline: 3px solid #3b8edb; outline-offset: 2px; }
.pixelrl-result .map img { height: calc(100% * var(--steps)); image-rendering: pixelated;
  transform: translateY(calc(-100% * var(--step) / var(--steps))); }
.pixelrl-result figcaption { display: flex; justify-content: space-between; font-size: 13px;
  margin-top: 4px; opacity: .75; }
.pixelrl-result .bars { display: flex; gap: 3px; height: 40px; margin: 6px 7px 0; }
.pixelrl-result .bars span { flex: 1; display: flex; flex-direction: column; min-width: 0;
  border-radius: 2px; overflow: hidden; box-shadow: 0 0 0 1px rgba(128, 128, 128, .6); }
.pixelrl-result figure > input { width: 100%; margin: 2px 0 0; }
.pixelrl-result ul { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 8px 0;
  padding: 0; }
.pixelrl-result li { display: flex; align-items: center; gap: 6px; margin: 0; }
.pixelrl-result li b { width: 12px; height: 12px; border-radius: 3px;
  box-shadow: inset 0 0 0 1px rgba(128, 128, 128, .6); }
.pixelrl-result small { opacity: .7; }
"""
"""Everything below one class, so that nothing else on the page changes."""
