/** The page of a report: one file, with its script and style inside and a policy that allows only these two. */
import { createHash } from "node:crypto";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Put scripts and styles into the page. */
function inlined(): Plugin {
  return {
    name: "inlined",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = bundle["report.html"];
      if (page?.type !== "asset") throw new Error("the build made no report.html");
      let script = "";
      let style = "";
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === "chunk") script += file.code;
        else if (name.endsWith(".css")) style += String(file.source);
        else if (name !== "report.html") throw new Error(`${name} would be a file of its own`);
        if (name !== "report.html") delete bundle[name];
      }
      // In a string or a pattern of the script, the escape means the same; in the page, it would end the element.
      script = script.replaceAll("</script", String.raw`<\/script`).replaceAll("<!--", String.raw`<\!--`);
      const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;
      page.source = String(page.source)
        .replace(/\s*<link rel="stylesheet"[^>]*>/, "")
        .replace(/<script type="module"[^>]*><\/script>/, () => `<style>${style}</style>\n    <script type="module">${script}</script>`)
        .replace('http-equiv="Content-Security-Policy" content=""', () => `http-equiv="Content-Security-Policy" content="${policy}"`);
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), inlined()],
  publicDir: false,
  build: {
    outDir: "../src/tracelm/server/static",
    emptyOutDir: false, // the UI was built into it before
    target: "baseline-widely-available",
    modulePreload: { polyfill: false },
    rolldownOptions: { input: "report.html" },
  },
});
