// What is wrong with a page for those who do not see it, or see it otherwise: a list of sentences, empty if nothing is.
(() => {
    const faults = [];
    const want = (holds, what) => {
        if (!holds) {
            faults.push(what);
        }
    };
    const all = (selector) => [...document.querySelectorAll(selector)];
    const isShown = (element) => element.getClientRects().length > 0;
    const says = (element) => `${element.localName} ${element.id} ${element.textContent.slice(0, 30)}`;
    want(['kk', 'ru', 'en'].includes(document.documentElement.lang), 'the page has no language');
    want(document.title.length > 3, 'the page has no title');
    want(all('h1').length === 1 && all('h2').length >= 1, 'headings are missing');
    want(all('main').length === 1, 'there is no one main part');
    const ids = all('[id]').map((element) => element.id);
    want(new Set(ids).size === ids.length, 'an id stands twice');
    const names = new Map();
    for (const control of all('input, textarea, button, summary').filter(isShown)) {
        const name = reader.nameOf(control);
        want(name.length > 1, `${says(control)} has no name`);
        // Who speaks to the page says what stands on the button.
        want(name.startsWith(control.textContent.trim()), `${says(control)} is called otherwise than it says`);
        const group = control.closest('fieldset')?.querySelector('legend')?.textContent ?? '';
        const whole = `${group} / ${name}`;
        want(!names.has(whole), `two controls are called ${whole}`);
        names.set(whole, control);
        const { width, height } = (control.labels?.[0] ?? control).getBoundingClientRect();
        want(Math.max(width, 0) >= 24 && height >= 20, `${says(control)} is too small`);
    }
    for (const group of all('fieldset')) {
        want(group.querySelector('legend')?.textContent.trim(), 'a group has no name');
    }
    for (const described of all('[aria-describedby]')) {
        want(document.getElementById(described.getAttribute('aria-describedby')), 'a hint is missing');
    }
    want(all('[role=status][aria-live]').length === 1, 'nothing tells how far the work is');
    // Contrast of text against the nearest background, as WCAG 2.2 counts it.
    const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = numbers(getComputedStyle(at).backgroundColor);
            if (colour[3] !== 0) {
                return colour;
            }
        }
        return [255, 255, 255];
    };
    for (const element of all('p, label, legend, h1, h2, button, summary, li, small, code, span').filter(isShown)) {
        const [front, back] = [light(numbers(getComputedStyle(element).color)), light(behind(element))];
        const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
        want(ratio >= 4.5, `${says(element)} has a contrast of ${ratio.toFixed(1)}`);
    }
    want(document.documentElement.scrollWidth <= document.documentElement.clientWidth + 1, 'the page is too wide');
    return faults;
})()
