// How a reader finds things on a page: by their labels and names. It runs before the page's own script and leaves no trace.
globalThis.reader = {
    /** What a control is called: its label, or what it says of itself. */
    nameOf(control) {
        const labels = [...(control.labels ?? [])].map((label) => label.textContent.trim());
        return control.getAttribute('aria-label') ?? (labels.join(' ') || control.textContent.trim());
    },

    /** The button whose name begins so. */
    button(name) {
        return [...document.querySelectorAll('button')].find((one) => this.nameOf(one).startsWith(name));
    },

    /** The field, box or answer whose label begins so. */
    control(label) {
        const all = [...document.querySelectorAll('input, textarea')];
        const found = all.find((one) => this.nameOf(one).startsWith(label));
        if (!found) {
            throw new Error(`no control is called ${label}; there are ${all.map((one) => this.nameOf(one)).join(' | ')}`);
        }
        return found;
    },

    fill(label, text) {
        const field = this.control(label);
        field.value = text;
        field.dispatchEvent(new Event('input', { bubbles: true }));
        field.dispatchEvent(new Event('change', { bubbles: true }));
    },

    /** True as soon as `holds` is; false when the time is over. */
    until(holds, millis) {
        return new Promise((done) => {
            const look = () => {
                if (holds()) {
                    finish(true);
                }
            };
            const observer = new MutationObserver(look);
            const timer = setTimeout(() => finish(false), millis);
            const finish = (found) => {
                observer.disconnect();
                clearTimeout(timer);
                done(found);
            };
            observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
            look();
        });
    },
};
