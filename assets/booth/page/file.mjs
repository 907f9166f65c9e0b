// The card's file: read when the reviewer picks it, written as a download.
//
// What a newcomer would get wrong: a page cannot write over a file. Each state of the card is a new file with the next
// number, and the reviewer is told to keep the last one; leaving the page with a state that lies in no file is warned of.
import { closeCard, newLock, openCard } from '../client/card.mjs';

/** A card in the page's memory, what closes it, and how far its file is behind. */
export class Held {
    constructor(card, lock, name) {
        Object.assign(this, { card, lock, number: numberOf(name), isSaved: true });
        addEventListener('beforeunload', (event) => {
            if (!this.isSaved) {
                event.preventDefault();
            }
        });
    }

    /** The name of the next file. */
    get nextName() {
        return `card-${this.number + 1}.json`;
    }

    /** Notes that the card is another than in the file. */
    change() {
        this.isSaved = false;
    }

    /** Hands the card to the browser as a file. */
    async save() {
        download(this.nextName, await closeCard(this.card, this.lock));
        this.number += 1;
        this.isSaved = true;
    }

    /** Forgets the card. What the machine's memory still holds of it is out of any page's reach. */
    forget() {
        Object.assign(this, { card: null, lock: null, isSaved: true });
    }
}

/** The card of a picked file. */
export async function openFile(file, passphrase) {
    const { card, lock } = await openCard(new Uint8Array(await file.arrayBuffer()), passphrase);
    return new Held(card, lock, file.name);
}

/** A card that lies in no file yet. */
export const newHeld = async (passphrase) => new Held(null, await newLock(passphrase), 'card-0.json');

const numberOf = (name) => Number(/card-(\d{1,6})/.exec(name)?.[1] ?? 0);

/** Hands a text, or bytes, to the browser as a file. */
export function download(name, content, type = 'application/json') {
    const address = URL.createObjectURL(new Blob([content], { type }));
    const link = document.createElement('a');
    Object.assign(link, { href: address, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
