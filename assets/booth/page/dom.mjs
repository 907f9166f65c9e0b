// Elements, made in few words and never from text: what a server sends is shown and cannot become part of the page.
//
// What a newcomer would get wrong: a control without a name, or an error that is only red. Every field has its label,
// every message its place in the order of reading, and the focus goes where the next thing happens.

/** An element with its attributes, listeners (`onclick` and the like) and children; text becomes text. */
export function el(name, attributes = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith('on')) {
            element.addEventListener(key.slice(2), value);
        } else if (value === true) {
            element.setAttribute(key, '');
        } else if (value !== false && value !== undefined) {
            element.setAttribute(key, value);
        }
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
}

export const p = (...children) => el('p', {}, ...children);

let lastId = 0;

const nextId = () => `f${(lastId += 1)}`;

/** A control with its label before it, and a hint that is read out with it. */
export function field(label, control, hint) {
    const id = nextId();
    control.id = id;
    const parts = [el('label', { for: id }, label), control];
    if (hint) {
        control.setAttribute('aria-describedby', `${id}h`);
        parts.splice(1, 0, el('span', { id: `${id}h`, class: 'hint' }, hint));
    }
    return el('div', { class: 'field' }, parts);
}

/** A radio button or checkbox with its label behind it. */
export function choice(label, control) {
    control.id = nextId();
    return el('div', { class: 'choice' }, control, el('label', { for: control.id }, label));
}

export const input = (type, attributes = {}) => el('input', { type, autocomplete: 'off', ...attributes });

export const button = (label, onclick, attributes = {}) => el('button', { type: 'button', onclick, ...attributes }, label);

/** A button that is the one thing to do here. */
export const mainButton = (label, onclick) => button(label, onclick, { class: 'main' });

/** A heading that can take the focus when its view is shown. */
export const heading = (label) => el('h2', { tabindex: '-1' }, label);

/** A part that is shown on demand. */
export const more = (label, ...children) => el('details', {}, el('summary', {}, label), ...children);
