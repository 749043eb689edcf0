// SPDX-License-Identifier: GPL-2.0-or-later
//
// runtime.js - as much of LuCI's runtime as Waymark's page uses, with its traps: a bare string
// is HTML, strings in an array are text. Then the page is used as a reader uses it, and what
// it shows is posted.

'use strict';

const L = { bind: (f, self, ...first) => f.bind(self, ...first) };
const _ = text => text;

String.prototype.format = function(...values) {
	return this.replace(/%[sd]/g, () => values.shift());
};

const dom = {
	append(node, children) {
		if (Array.isArray(children))
			node.append(...children.filter(c => c != null).map(c => c instanceof Node ? c : String(c)));
		else if (children instanceof Node)
			node.append(children);
		else if (children != null)
			node.innerHTML = children;
	},
	content(node, children) {
		node.replaceChildren();
		dom.append(node, children);
	}
};

function E(name, attributes, children) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(attributes || {}))
		if (typeof value == 'function')
			node.addEventListener(key, value);
		else
			node.setAttribute(key, value);
	dom.append(node, children);
	return node;
}

const fs = {
	async exec_direct(command, words, type) {
		const answer = await fetch('/cgi-exec', { method: 'POST', body: JSON.stringify([ command, ...words ]) });
		if (!answer.ok)
			throw Object.assign(new Error(answer.statusText),
				{ name: { 403: 'PermissionError', 404: 'NotFoundError' }[answer.status] || 'Error' });
		return type == 'json' ? answer.json() : answer.text();
	}
};

const polled = [];
const poll = { add: f => polled.push(f) };
const view = { extend: members => members };

// --- the reader ---

const pause = ms => new Promise(done => setTimeout(done, ms));

async function read(click) {
	const source = await (await fetch('/view.js')).text();
	const page = new Function('L', 'E', '_', 'dom', 'fs', 'poll', 'view', source)(L, E, _, dom, fs, poll, view);
	document.body.append(page.render(await page.load()));
	const button = document.querySelector('button');
	if (click && button) {
		button.click();
		do
			await pause(20);
		while (document.querySelector('.spinning') || !document.querySelector('dl'));
	}
	for (const f of polled)
		await f();
}
