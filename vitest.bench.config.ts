import { defineConfig } from 'vitest/config'

/** `npm run bench`: one after the other, on an otherwise idle machine. */
export default defineConfig({
  test: {
    include: ['test/bench/*.bench.ts'],
    globalSetup: ['test/bench/global-setup.ts'],
    fileParallelism: false,
    hookTimeout: 600_000,
  },
})
