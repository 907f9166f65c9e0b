// The words of the page in the language that is shown, and what a failure means to a reviewer.
//
// What a newcomer would get wrong: keeping the language. It would tell two visits of one reviewer apart, so it is asked
// of the browser each time and never sent or stored.
import { Failure } from '../client/failure.mjs';

/** What the server puts in when it makes the page: texts by language and key, where the two services are. */
const { texts, language: preferred } = BUILT_IN;

const LANGUAGES = { kk: 'Қазақша', ru: 'Русский', en: 'English' };

let current = preferred;

/** The language that the browser likes best of those that there are. */
export function chooseLanguage() {
    const liked = navigator.languages.map((tag) => tag.toLowerCase().split('-')[0]);
    useLanguage(liked.find((tag) => tag in LANGUAGES) ?? preferred);
}

export function useLanguage(tag) {
    current = tag;
    document.documentElement.lang = tag;
}

/** Tag, own name and whether it is shown, for each language. */
export const languages = () =>
    Object.entries(LANGUAGES).map(([tag, name]) => ({ tag, name, isCurrent: tag === current }));

/** The text of a key with its variables. */
export const say = (key, values = {}) =>
    (texts[current][key] ?? key).replaceAll(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

const has = (key) => key in texts[current];

/** A text of the methodology; English where there is some. */
export const of = (text) => text[current] ?? text.ru;

/** The lines that tell a failure: what was seen, and what to do at this moment. */
export function failureLines(failure, moment) {
    if (!(failure instanceof Failure)) {
        return [say('peer-internal', { cause: String(failure?.message ?? failure) })];
    }
    const { kind, code, details } = failure;
    switch (kind) {
        case 'alarm':
            return [say('peer-alarm'), say(`peer-alarm-${code}`), say(`peer-moment-${moment}`)];
        case 'refused':
            return [say(['-detail', '-title'].map((end) => code + end).find(has) ?? code)];
        case 'card':
            return [say([`booth-card-${code}`, `peer-card-${code}`].find(has) ?? code)];
        case 'idle':
            return [say([`booth-idle-${code}`, `peer-idle-${code}`].find(has) ?? code)];
        default:
            return [say(kind === 'unexpected' ? 'peer-unexpected' : 'peer-unreachable', details)];
    }
}
