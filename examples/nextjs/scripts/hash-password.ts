/** Prints what belongs into USERS for a password read from standard input. */
import { text } from 'node:stream/consumers';
import { hashPassword } from '../src/server/passwords.ts';

console.error('Type the password, then Enter and Ctrl-D.');
console.log(await hashPassword((await text(process.stdin)).trim()));
