import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.TRACELM_URL ?? "http://127.0.0.1:4318";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    outDir: "../src/tracelm/server/static",
    emptyOutDir: true,
    target: "baseline-widely-available",
    chunkSizeWarningLimit: 800, // kB before compression: 200 kB on the wire
    assetsInlineLimit: 0, // a data: URL would need a wider policy for fonts and scripts
    modulePreload: { polyfill: false }, // it would be an inline script
  },
  server: { proxy: { "/api": { target: server, changeOrigin: true } } },
  test: { environment: "happy-dom", include: ["test/**/*.test.{ts,tsx}"], setupFiles: ["test/setup.ts"] },
});
