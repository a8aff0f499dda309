import type { Page } from 'playwright-core';

/**
 * A browser without a window has no file dialog: the file goes into the page's own file system, and is read back by what
 * is returned.
 */
export async function chooseFile(page: Page): Promise<() => Promise<Buffer>> {
  await page.addInitScript(() => {
    Object.assign(window, {
      async showSaveFilePicker({ suggestedName }: { suggestedName: string }) {
        const directory = await navigator.storage.getDirectory();
        Object.assign(window, { savedName: suggestedName });
        return directory.getFileHandle(suggestedName, { create: true });
      },
    });
  });
  await page.reload();
  return async () => {
    const address = await page.evaluate(async () => {
      const { savedName } = window as unknown as { savedName: string };
      const directory = await navigator.storage.getDirectory();
      const handle = await directory.getFileHandle(savedName);
      const reader = new FileReader();
      reader.readAsDataURL(await handle.getFile());
      await new Promise((done) => reader.addEventListener('load', done));
      return reader.result as string;
    });
    return Buffer.from(address.slice(address.indexOf(',') + 1), 'base64');
  };
}

/** What the page's file dialog was offered as a name. */
export function savedName(page: Page): Promise<string> {
  return page.evaluate(() => (window as unknown as { savedName: string }).savedName);
}
