// A party of a session, spoken to by lines of JSON on standard input, one answer a line on standard output:
//   {"new": "nostr-tools" or "ndk", "items": [[timestamp, hex], ...], "limit": bytes, 0 for none}  →  {}
//   {"initiate": true}                                                                          →  {"message": hex}
//   {"reconcile": hex}                                            →  {"message": hex or null, "need": [...], "have": [...]}
import { createInterface } from "node:readline";
import * as tools from "./node_modules/nostr-tools/lib/esm/nip77.js"; // the package does not export it by name
import * as ndk from "@nostr-dev-kit/sync";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
let party;

const makers = {
  "nostr-tools": (items, limit) => {
    const storage = new tools.NegentropyStorageVector();
    for (const [timestamp, id] of items) storage.insert(timestamp, id);
    storage.seal();
    const negentropy = new tools.Negentropy(storage, limit || 1 << 30);
    return {
      initiate: () => negentropy.initiate(),
      reconcile: (message) => {
        const need = [], have = [];
        const next = negentropy.reconcile(message, (id) => have.push(id), (id) => need.push(id));
        return { message: next, need, have };
      },
    };
  },
  ndk: (items, limit) => {
    const storage = new ndk.NegentropyStorage();
    for (const [timestamp, id] of items) storage.insert(timestamp, id);
    storage.seal();
    const negentropy = new ndk.Negentropy(storage, limit);
    return {
      initiate: async () => hex(await negentropy.initiate()),
      reconcile: async (message) => {
        const out = await negentropy.reconcile(Uint8Array.from(Buffer.from(message, "hex")));
        return { message: out.nextMessage ? hex(out.nextMessage) : null, need: out.need.map(hex), have: out.have.map(hex) };
      },
    };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  let answer = {};
  try {
    if (ask.new) party = makers[ask.new](ask.items ?? [], ask.limit);
    else if (ask.initiate) answer = { message: await party.initiate() };
    else answer = await party.reconcile(ask.reconcile);
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
