// Reads long answers in a thread of its own: the page moves on.
import { readAnswer } from './answers.ts';

globalThis.addEventListener('message', async ({ data: { head, body } }) => {
  try {
    globalThis.postMessage({ answer: await readAnswer(head, body) });
  } catch (error) {
    globalThis.postMessage({ failure: error.message });
  }
});
