// Runs a WebAssembly program of WASI with the test data as its directory /testdata:
// node wasm.mjs PROGRAM TESTDATA [ARGUMENT]...
import { readFileSync } from 'node:fs'
import { WASI } from 'node:wasi'

const [program, testdata, ...args] = process.argv.slice(2)
const wasi = new WASI({ version: 'preview1', args: [program, ...args], preopens: { '/testdata': testdata }, returnOnExit: true })
const { instance } = await WebAssembly.instantiate(readFileSync(program), { wasi_snapshot_preview1: wasi.wasiImport })
process.exit(wasi.start(instance))
