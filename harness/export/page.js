/* page.js: figures, tokens and samples of a page of `fotbench report --html`; see page.h.
   Texts from outside are data: they become text nodes, never markup. */
(function () {
	'use strict';

	const SVG = 'http://www.w3.org/2000/svg';
	const MINUS = '\u2212';

	function byId(id) { return document.getElementById(id); }

	function dataOf(id) {
		const at = byId(id);
		return at ? JSON.parse(at.textContent) : null;
	}

	function element(tag, name, text) {
		const e = document.createElement(tag);
		if (name) e.className = name;
		if (text !== undefined) e.textContent = text;
		return e;
	}

	function shape(tag, attributes, parent) {
		const e = document.createElementNS(SVG, tag);
		for (const key of Object.keys(attributes)) e.setAttribute(key, attributes[key]);
		if (parent) parent.appendChild(e);
		return e;
	}

	function append(to, children) {
		for (const child of children) to.appendChild(child);
		return to;
	}

	/* --- numbers --- */

	function number(x, digits) {
		const size = Math.abs(x);
		if (digits === undefined) digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 || size === 0 ? 3 : 4;
		const text = size.toFixed(digits);
		return (x < 0 && Number(text) !== 0 ? MINUS : '') + text;
	}

	function valueText(figure, x) { return /, %$/.test(figure.y) ? number(x, 1) + ' %' : number(x); }

	function interval(figure, point) {
		return point[4] === null ? '' : '[' + valueText(figure, point[4]) + ', ' + valueText(figure, point[5]) + ']';
	}

	function ticText(figure, at) {
		const tic = figure.x.tics.find(function (t) { return t[0] === at; });
		return tic ? tic[1] : number(at, 0);
	}

	/* Round values from low to high, some six of them. */
	function roundTics(low, high) {
		const rough = (high - low) / 6 || 1, power = Math.pow(10, Math.floor(Math.log10(rough)));
		const step = power * ([1, 2, 2.5, 5, 10].find(function (m) { return m * power >= rough; }) || 10);
		const tics = [];
		for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) tics.push(i * step);
		return { tics: tics, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0)) };
	}

	function powerTics(low, high) {
		const tics = [];
		for (let i = Math.ceil(Math.log2(low)); Math.pow(2, i) <= high; i++) tics.push(Math.pow(2, i));
		return tics;
	}

	/* --- the tip --- */

	const tip = byId('tip');

	function showTip(lines, x, y) {
		tip.textContent = lines.join('\n');
		tip.hidden = false;
		const box = tip.getBoundingClientRect();
		tip.style.left = Math.max(4, Math.min(x + 14, window.innerWidth - box.width - 8)) + 'px';
		tip.style.top = (y + 18 + box.height > window.innerHeight ? Math.max(4, y - box.height - 12) : y + 18) + 'px';
	}

	function hideTip() { tip.hidden = true; }

	/* --- marks --- */

	const MARKS = ['circle', 'square', 'diamond', 'down', 'up', 'pentagon', 'square', 'diamond', 'down', 'up', 'pentagon', 'circle', 'cross'];
	const DASHES = { 1: '2 3', 2: '10 4', 3: '10 4 2 4', 4: '', 5: '16 4', 6: '10 3 2 3 2 3', 7: '5 3' };
	const CORNERS = {
		square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
		diamond: [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
		down: [[-1.2, -1], [1.2, -1], [0, 1.2]],
		up: [[-1.2, 1], [1.2, 1], [0, -1.2]],
		pentagon: [[0, -1.3], [1.24, -0.4], [0.76, 1.05], [-0.76, 1.05], [-1.24, -0.4]]
	};

	function colour(series) { return 'var(--look' + series.look + ')'; }

	/* An open mark where there is no memory, as in plots/style.gp. */
	function mark(series, x, y, parent) {
		const kind = MARKS[series.look - 1] || 'circle', r = 3.4;
		const open = series.dash === 1 && kind !== 'cross';
		const look = { stroke: colour(series), 'stroke-width': 1.4 };
		if (open) look.class = 'hollow'; else look.fill = colour(series);
		if (kind === 'circle') return shape('circle', Object.assign({ cx: x, cy: y, r: r }, look), parent);
		if (kind === 'cross') return shape('path', Object.assign({ d: 'M' + (x - r) + ' ' + (y - r) + 'l' + 2 * r + ' ' + 2 * r + 'm0 ' + -2 * r + 'l' + -2 * r + ' ' + 2 * r }, look), parent);
		return shape('polygon', Object.assign({ points: CORNERS[kind].map(function (c) { return (x + c[0] * r) + ',' + (y + c[1] * r); }).join(' ') }, look), parent);
	}

	function legend(figure, svgs) {
		const list = element('ul', 'legend');
		figure.series.forEach(function (series, i) {
			const item = element('li'), box = shape('svg', { width: 36, height: 12, 'aria-hidden': 'true' });
			shape('line', { x1: 0, x2: 36, y1: 6, y2: 6, stroke: colour(series), 'stroke-width': 1.6, 'stroke-dasharray': DASHES[series.dash] || '' }, box);
			if (!figure.plain) mark(series, 18, 6, box);
			append(item, [box, element('span', '', series.name)]);
			function dim(on) {
				svgs.forEach(function (svg) {
					svg.querySelectorAll('[data-series]').forEach(function (g) { g.classList.toggle('dim', on && g.dataset.series !== String(i)); });
				});
			}
			item.addEventListener('mouseenter', function () { dim(true); });
			item.addEventListener('mouseleave', function () { dim(false); });
			list.appendChild(item);
		});
		if (figure.panels.some(function (p) { return (p.chance || []).length || (p.majority || []).length; })) {
			const item = element('li'), box = shape('svg', { width: 36, height: 12, 'aria-hidden': 'true' });
			shape('line', { x1: 0, x2: 36, y1: 6, y2: 6, class: 'level' }, box);
			list.appendChild(append(item, [box, element('span', '', figure.panels.some(function (p) { return (p.majority || []).length; }) ? 'chance; the commonest label' : 'chance')]));
		}
		return list;
	}

	/* --- one panel --- */

	/* Points of a panel with their places in it: { x, y, point }. The nearest to the pointer, or the one that the arrow
	   keys stand at, is told. */
	function watch(svg, figure, spots) {
		const ring = shape('circle', { r: 6.5, class: 'ring', visibility: 'hidden' }, svg);
		let at = -1;

		function tell(i, x, y) {
			const spot = spots[i], point = spot.point, series = figure.series[point[1]];
			at = i;
			ring.setAttribute('cx', spot.x);
			ring.setAttribute('cy', spot.y);
			ring.setAttribute('visibility', 'visible');
			const place = figure.x.label + ' ' + ticText(figure, point[2]) + (figure.rows ? ', ' + figure.rows.label + ' ' + figure.rows.tics[point[7] - 1][1] : '');
			showTip([series.name, place, valueText(figure, point[3]) + ' ' + interval(figure, point), point[6]], x, y);
		}
		function quiet() {
			ring.setAttribute('visibility', 'hidden');
			hideTip();
		}
		svg.addEventListener('mousemove', function (event) {
			const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
			const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
			let best = -1, least = 45 * 45;
			spots.forEach(function (s, i) {
				const d = (s.x - x) * (s.x - x) + (s.y - y) * (s.y - y);
				if (d < least) { least = d; best = i; }
			});
			if (best < 0) quiet(); else tell(best, event.clientX, event.clientY);
		});
		svg.addEventListener('mouseleave', quiet);
		svg.addEventListener('blur', quiet);
		svg.addEventListener('keydown', function (event) {
			const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
			if (event.key === 'Escape') quiet();
			if (!step || !spots.length) return;
			event.preventDefault();
			const next = at < 0 ? 0 : (at + step + spots.length) % spots.length;
			const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
			tell(next, box.left + spots[next].x * scale, box.top + spots[next].y * scale);
		});
	}

	function newPanel(figure, number, width, height) {
		const panel = figure.panels[number];
		const svg = shape('svg', { viewBox: '0 0 ' + width + ' ' + height, width: width, height: height, role: 'img', tabindex: 0 });
		svg.setAttribute('aria-label', figure.title + (panel.name ? ': ' + panel.name : '') + '. Arrow keys go from point to point.');
		shape('text', { x: 0, y: 12, 'font-weight': 600 }, svg).textContent = panel.name;
		return svg;
	}

	/* Labels under an axis, those that find room. */
	function xTics(svg, figure, place, width, bottom, left) {
		let end = -1e9;
		figure.x.tics.forEach(function (tic) {
			const x = place(tic[0]), half = tic[1].length * 3.4 + 3;
			shape('line', { x1: x, x2: x, y1: bottom, y2: bottom + 4, class: 'axis' }, svg);
			if (x - half < end) return;
			end = x + half;
			shape('text', { x: x, y: bottom + 17, 'text-anchor': 'middle' }, svg).textContent = tic[1];
		});
		shape('text', { x: (left + width) / 2, y: bottom + 35, 'text-anchor': 'middle', class: 'soft' }, svg).textContent = figure.x.label;
	}

	function ranges(figure, number) {
		const points = figure.points.filter(function (p) { return p[0] === number; });
		let low = Infinity, high = -Infinity;
		points.forEach(function (p) {
			low = Math.min(low, p[3], p[4] === null ? p[3] : p[4]);
			high = Math.max(high, p[3], p[5] === null ? p[3] : p[5]);
		});
		[].concat(figure.panels[number].chance || [], figure.panels[number].majority || []).forEach(function (l) {
			low = Math.min(low, l[1]);
			high = Math.max(high, l[1]);
		});
		const log = low > 0 && high / low > 25 && !/%$/.test(figure.y);
		const pad = log ? Math.pow(high / low, 0.06) : (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
		return { points: points, log: log, low: log ? low / pad : low - pad, high: log ? high * pad : high + pad };
	}

	function linePanel(figure, number, width) {
		const height = Math.round(Math.max(210, Math.min(320, width * 0.62)));
		const left = 50, right = width - 10, top = 26, bottom = height - 42;
		const svg = newPanel(figure, number, width, height), range = ranges(figure, number);
		const ends = figure.plain ? range.points.map(function (p) { return p[2]; }) : figure.x.tics.map(function (t) { return t[0]; });
		const scale = figure.x.log ? Math.log2 : function (x) { return x; };
		const x0 = scale(ends[0]), x1 = scale(ends[ends.length - 1]), room = x1 > x0 ? 0.3 * (x1 - x0) / (ends.length - 1) : 1;
		const many = figure.series.length, dodge = many > 1 && !figure.plain ? Math.min(16, (right - left) / (ends.length + 1) * 0.3) : 0;
		const vertical = range.log ? Math.log2 : function (y) { return y; };

		function px(x) { return left + (right - left) * (scale(x) - x0 + room) / (x1 - x0 + 2 * room); }
		function py(y) { return bottom - (bottom - top) * (vertical(y) - vertical(range.low)) / (vertical(range.high) - vertical(range.low)); }

		const round = range.log ? { tics: powerTics(range.low, range.high) } : roundTics(range.low, range.high);
		round.tics.forEach(function (y) {
			shape('line', { x1: left, x2: right, y1: py(y), y2: py(y), class: 'grid' }, svg);
			shape('text', { x: left - 7, y: py(y) + 4, 'text-anchor': 'end' }, svg).textContent =
				range.log && y < 1 ? '1/' + Math.round(1 / y) : range.log ? String(y) : numberTic(y, round.digits);
		});
		shape('line', { x1: left, x2: right, y1: bottom, y2: bottom, class: 'axis' }, svg);
		shape('text', { x: right, y: 12, 'text-anchor': 'end', class: 'soft' }, svg).textContent = figure.y;
		xTics(svg, figure, px, right, bottom, left);
		['chance', 'majority'].forEach(function (key) {
			const level = (figure.panels[number][key] || []).slice().sort(function (a, b) { return a[0] - b[0]; });
			if (!level.length) return;
			const flat = level.every(function (l) { return l[1] === level[0][1]; });
			const at = flat ? [[left, py(level[0][1])], [right, py(level[0][1])]] : level.map(function (l) { return [px(l[0]), py(l[1])]; });
			shape('path', { d: 'M' + at.join('L'), class: 'level' }, svg);
		});
		const spots = [];
		figure.series.forEach(function (series, i) {
			const shift = many > 1 ? dodge * (i / (many - 1) - 0.5) : 0;
			const own = range.points.filter(function (p) { return p[1] === i; }).sort(function (a, b) { return a[2] - b[2]; });
			const g = shape('g', { 'data-series': i }, svg);
			own.forEach(function (p) {
				if (p[4] !== null) shape('line', { x1: px(p[2]) + shift, x2: px(p[2]) + shift, y1: py(p[4]), y2: py(p[5]), stroke: colour(series), class: 'bar' }, g);
			});
			if (own.length > 1)
				shape('path', { d: 'M' + own.map(function (p) { return (px(p[2]) + shift).toFixed(1) + ' ' + py(p[3]).toFixed(1); }).join('L'), stroke: colour(series), 'stroke-dasharray': DASHES[series.dash] || '', class: 'line' }, g);
			own.forEach(function (p) {
				if (!figure.plain) mark(series, px(p[2]) + shift, py(p[3]), g);
				spots.push({ x: px(p[2]) + shift, y: py(p[3]), point: p });
			});
		});
		watch(svg, figure, spots);
		return svg;
	}

	function numberTic(y, digits) { return (y < -1e-12 ? MINUS : '') + Math.abs(y).toFixed(Math.min(digits, 6)); }

	/* Cells of x by rows; the darker the higher. Of shares: from 0 to 100. */
	function mapPanel(figure, number, width) {
		const rows = figure.rows.tics, columns = figure.x.tics, left = 44, top = 26;
		const tall = Math.max(16, Math.min(26, 240 / rows.length)), wide = (width - left - 4) / columns.length;
		const bottom = top + tall * rows.length, height = bottom + 42;
		const svg = newPanel(figure, number, width, height), spots = [];
		const most = /%$/.test(figure.y) ? 100 : figure.points.reduce(function (m, p) { return Math.max(m, p[3]); }, 0);

		figure.points.forEach(function (p) {
			if (p[0] !== number) return;
			const x = left + (p[2] - 1) * wide, y = top + (p[7] - 1) * tall, share = most > 0 ? Math.max(0, Math.min(1, p[3] / most)) : 0;
			shape('rect', { x: x, y: y, width: wide - 1.5, height: tall - 1.5, class: 'cell', 'fill-opacity': 0.06 + 0.94 * share }, svg);
			if (wide > 24) {
				const text = shape('text', { x: x + wide / 2, y: y + tall / 2 + 3.5, 'text-anchor': 'middle', 'font-size': 11 }, svg);
				text.textContent = String(Math.round(p[3]));
				if (share > 0.55) text.style.fill = 'var(--map-ink)';
			}
			spots.push({ x: x + wide / 2, y: y + tall / 2, point: p });
		});
		rows.forEach(function (tic, i) {
			if (rows.length > 12 && i % 2) return;
			shape('text', { x: left - 6, y: top + (i + 0.5) * tall + 4, 'text-anchor': 'end' }, svg).textContent = tic[1];
		});
		shape('text', { x: 0, y: bottom + 17, class: 'soft' }, svg).textContent = figure.rows.label;
		xTics(svg, figure, function (at) { return left + (at - 0.5) * wide; }, width, bottom, left);
		watch(svg, figure, spots);
		return svg;
	}

	/* --- figures --- */

	function columnsOf(figure, width) {
		if (figure.panels.length < 2) return 1;
		return figure.rows ? Math.max(1, Math.min(4, Math.floor(width / 250))) : width >= 700 ? 2 : 1;
	}

	function drawPanels(figure, host) {
		const width = host.clientWidth || 600, columns = Math.min(columnsOf(figure, width), figure.panels.length);
		const each = Math.min(columns === 1 ? (figure.rows ? 360 : 620) : 600, Math.floor((width - 24 * (columns - 1)) / columns));
		const box = element('div', 'panels');
		const svgs = figure.panels.map(function (panel, i) { return figure.rows ? mapPanel(figure, i, each) : linePanel(figure, i, each); });
		append(box, svgs);
		const old = host.querySelector('.panels'), keys = host.querySelector('.legend');
		if (old) old.remove();
		if (keys) keys.remove();
		const before = host.querySelector('.values');
		host.insertBefore(box, before);
		if (!figure.rows) host.insertBefore(legend(figure, svgs), before);
	}

	function row(cells, tag) {
		const tr = element('tr');
		cells.forEach(function (cell) {
			const c = element(tag, '', cell);
			if (tag === 'th') c.scope = 'col';
			tr.appendChild(c);
		});
		return tr;
	}

	/* The same numbers as a table, made when it is opened. */
	function values(figure) {
		const details = element('details', 'values'), box = element('div', 'scroll');
		append(details, [element('summary', '', 'Values'), box]);
		details.addEventListener('toggle', function () {
			if (!details.open || box.firstChild) return;
			const table = element('table'), body = element('tbody');
			table.appendChild(append(element('thead'), [row(['panel', 'series', figure.x.label].concat(figure.rows ? [figure.rows.label] : [], [figure.y, 'interval', 'of']), 'th')]));
			figure.points.forEach(function (p) {
				body.appendChild(row([figure.panels[p[0]].name, figure.series[p[1]].name, ticText(figure, p[2])].concat(
					figure.rows ? [figure.rows.tics[p[7] - 1][1]] : [], [valueText(figure, p[3]), interval(figure, p), p[6]]), 'td'));
			});
			table.appendChild(body);
			box.appendChild(table);
		});
		return details;
	}

	const drawn = [];

	function chart(host, figure) {
		host.appendChild(values(figure));
		drawPanels(figure, host);
		drawn.push([figure, host]);
	}

	function redraw() { drawn.forEach(function (d) { drawPanels(d[0], d[1]); }); }

	/* --- lists that grow --- */

	function button(text, act) {
		const b = element('button', '', text);
		b.type = 'button';
		b.addEventListener('click', act);
		return b;
	}

	/* Shows a list of items, `step` of them at a time. */
	function growing(list, step, make) {
		const more = button('Show more', grow);
		let items = [], n = 0;

		function grow() {
			const part = document.createDocumentFragment();
			for (const end = Math.min(items.length, n + step); n < end; n++) part.appendChild(make(items[n]));
			list.appendChild(part);
			more.hidden = n >= items.length;
		}
		list.after(more);
		return function (next) {
			items = next;
			n = 0;
			list.textContent = '';
			grow();
		};
	}

	function choice(label, options) {
		const select = element('select');
		select.setAttribute('aria-label', label);
		options.forEach(function (text, i) {
			const option = element('option', '', text);
			option.value = i;
			select.appendChild(option);
		});
		return select;
	}

	/* --- samples --- */

	/* A text with its ends of lines seen. */
	function context(parent, text) {
		text.split('\n').forEach(function (line, i) {
			if (i) parent.appendChild(element('span', 'eol', ' \u23CE '));
			parent.appendChild(document.createTextNode(line));
		});
	}

	function around(before, text, after, strength) {
		const p = element('div', 'quote'), m = element('mark');
		context(p, before);
		context(m, text);
		if (strength !== undefined) m.style.opacity = String(Math.max(0.55, strength));
		p.appendChild(m);
		context(p, after);
		return p;
	}

	/* Where in its memory a query read: each mark a key, the higher the more attention. */
	function strip(query) {
		const begin = Math.floor(query.position / query.window) * query.window, from = Math.max(0, begin - (query.length - query.window));
		const svg = shape('svg', { viewBox: '0 0 1000 18', preserveAspectRatio: 'none', class: 'strip', role: 'img' });
		svg.setAttribute('aria-label', 'where in the memory the keys stand');
		function px(position) { return 1000 * (position - from) / (query.position - from + 1); }
		shape('rect', { x: 0, y: 10, width: px(begin), height: 7, class: 'memory' }, svg);
		shape('rect', { x: px(begin), y: 10, width: 1000 - px(begin), height: 7, class: 'local' }, svg);
		query.heads.forEach(function (head) {
			head.keys.forEach(function (key) {
				const high = 4 + 13 * Math.sqrt(key[4]);
				shape('rect', { x: px(key[0]) - 1, y: 17 - high, width: 3, height: high, class: 'at', 'fill-opacity': 0.75 }, svg);
			});
		});
		const ends = element('p', 'ends');
		append(ends, [element('span', '', 'token ' + from + ', memory'), element('span', '', 'local window from ' + begin + ', query at ' + query.position)]);
		return append(document.createDocumentFragment(), [svg, ends]);
	}

	function percent(x) { return number(100 * x, x < 0.0995 ? 1 : 0) + ' %'; }

	function headOf(query, head) {
		const box = document.createDocumentFragment();
		box.appendChild(element('p', 'head-name', 'Layer ' + head.layer + ', head ' + head.head + ': ' + percent(head.score) +
			' of its attention on ' + head.n + ' keys in memory. It read most:'));
		head.keys.forEach(function (key) {
			const line = element('div', 'read');
			append(line, [element('span', 'share', percent(key[4])), element('span', 'far', (query.position - key[0]) + ' back'), around(key[1], key[2], key[3])]);
			box.appendChild(line);
		});
		return box;
	}

	function retrieved(query) {
		const li = element('li'), head = element('p', 'item-head');
		append(head, [element('b', '', query.where), document.createTextNode(', token ' + query.position)]);
		append(li, [head, around(query.before, query.text, query.after), strip(query)]);
		const heads = query.heads.slice().sort(function (a, b) { return b.score - a.score; });
		heads.slice(0, 4).forEach(function (h) { li.appendChild(headOf(query, h)); });
		if (heads.length > 4) {
			const rest = element('details');
			rest.appendChild(element('summary', '', (heads.length - 4) + ' more heads'));
			rest.addEventListener('toggle', function () {
				if (rest.open && rest.childNodes.length === 1) heads.slice(4).forEach(function (h) { rest.appendChild(headOf(query, h)); });
			});
			li.appendChild(rest);
		}
		return li;
	}

	function plain(value) { return typeof value === 'string' ? value : JSON.stringify(value); }

	/* Any object: what is short in one line, texts below. */
	function item(sample) {
		const li = element('li'), head = element('p', 'item-head'), texts = [];
		let any = false;
		Object.keys(sample).forEach(function (key) {
			const value = sample[key], text = plain(value);
			if (typeof value === 'string' && key !== 'item' && (text.length > 48 || text.indexOf('\n') >= 0 || text === '')) { texts.push([key, text]); return; }
			if (any) head.appendChild(document.createTextNode(' \u00B7 '));
			any = true;
			if (key === 'item') { head.appendChild(element('b', '', text)); return; }
			head.appendChild(document.createTextNode(key.replace(/_/g, ' ') + ' '));
			if (typeof value === 'boolean') head.appendChild(element('span', value ? 'yes' : 'no', value ? 'yes' : 'no'));
			else head.appendChild(element('b', '', text));
		});
		li.appendChild(head);
		texts.forEach(function (t) {
			const p = element('div', 'quote');
			p.appendChild(element('span', 'key', t[0].replace(/_/g, ' ')));
			p.appendChild(document.createTextNode(t[1] === '' ? '\u2013' : t[1]));
			li.appendChild(p);
		});
		return li;
	}

	function wordsOf(value) {
		if (typeof value === 'string') return value;
		if (value === null || typeof value !== 'object') return String(value);
		return Object.keys(value).map(function (key) { return wordsOf(value[key]); }).join(' ');
	}

	/* What was retrieved stands before what was answered. */
	function samples(host, given) {
		const groups = given.filter(function (g) { return g.kind === 'retrieved'; }).concat(given.filter(function (g) { return g.kind !== 'retrieved'; }));
		const all = [];
		groups.forEach(function (group, g) { group.items.forEach(function (one) { all.push({ group: g, item: one, words: null }); }); });
		const names = groups.map(function (g) { return (groups.some(function (h) { return h.run !== g.run; }) ? g.run + ': ' : '') + g.task; });
		const search = element('input'), source = choice('which samples', ['all'].concat(names)), out = element('output');
		const flags = [];
		all.slice(0, 200).forEach(function (s) {
			if (groups[s.group].kind !== 'item') return;
			Object.keys(s.item).forEach(function (key) { if (typeof s.item[key] === 'boolean' && flags.indexOf(key) < 0) flags.push(key); });
		});
		const wanted = [null], options = ['any outcome'];
		flags.forEach(function (key) {
			[true, false].forEach(function (v) { wanted.push([key, v]); options.push(key.replace(/_/g, ' ') + ': ' + (v ? 'yes' : 'no')); });
		});
		const outcome = choice('outcome', options);
		search.type = 'search';
		search.placeholder = 'Search samples';
		search.setAttribute('aria-label', 'search samples');
		out.setAttribute('aria-live', 'polite');
		const controls = append(element('div', 'controls'), [search]);
		if (groups.length > 1) controls.appendChild(source);
		if (flags.length) controls.appendChild(outcome);
		controls.appendChild(out);
		const list = element('ol', 'items');
		list.setAttribute('aria-label', 'samples');
		append(host, [controls, list]);
		groups.forEach(function (g, i) {
			if (g.total > g.items.length) host.insertBefore(element('p', 'note', names[i] + ': the first ' + g.items.length + ' of ' + g.total + ' samples.'), list);
		});
		const show = growing(list, 30, function (s) { return groups[s.group].kind === 'retrieved' ? retrieved(s.item) : item(s.item); });

		function find() {
			const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), group = Number(source.value) - 1, flag = wanted[Number(outcome.value)];
			const found = all.filter(function (s) {
				if (group >= 0 && s.group !== group) return false;
				if (flag && s.item[flag[0]] !== flag[1]) return false;
				if (!words.length) return true;
				if (s.words === null) s.words = wordsOf(s.item).toLowerCase();
				return words.every(function (w) { return s.words.indexOf(w) >= 0; });
			});
			out.textContent = found.length === all.length ? all.length + ' samples' : found.length + ' of ' + all.length + ' samples';
			show(found);
		}
		let timer = 0;
		search.addEventListener('input', function () { clearTimeout(timer); timer = setTimeout(find, 120); });
		source.addEventListener('change', find);
		outcome.addEventListener('change', find);
		find();
	}

	/* --- gain per token --- */

	const STEPS = [0.1, 0.5, 1.5, 3]; /* nats */

	function gainClass(gain) {
		const n = STEPS.filter(function (s) { return Math.abs(gain) >= s; }).length;
		return n ? (gain > 0 ? 'g' : 'l') + n : '';
	}

	function scale() {
		const box = element('div', 'scale');
		box.appendChild(element('span', '', 'nats lost'));
		for (let i = STEPS.length; i > 0; i--) box.appendChild(element('span', 'l' + i, '> ' + STEPS[i - 1]));
		box.appendChild(element('span', '', 'about equal'));
		for (let i = 1; i <= STEPS.length; i++) box.appendChild(element('span', 'g' + i, '> ' + STEPS[i - 1]));
		box.appendChild(element('span', '', 'nats gained'));
		return box;
	}

	function mean(list) { return list.reduce(function (a, b) { return a + b; }, 0) / (list.length || 1); }

	/* The mean gain along a sequence, in some forty parts: a figure of its own. */
	function alongFigure(data, sequence) {
		const n = sequence.text.length, each = Math.max(1, Math.ceil(n / 40)), points = [];
		const tics = roundTics(sequence.position, sequence.position + n).tics.map(function (t) { return [t, String(t)]; });
		for (let from = 0; from + each <= n || from === 0; from += each) {
			const middle = sequence.position + from + Math.floor(each / 2);
			for (let k = 1; k < data.names.length; k++) {
				const gains = sequence.nll[0].slice(from, from + each).map(function (x, i) { return x - sequence.nll[k][from + i]; });
				points.push([0, k - 1, middle, mean(gains), null, null, 'tokens ' + (sequence.position + from) + ' to ' + (sequence.position + from + gains.length - 1)]);
			}
		}
		return {
			title: 'Mean gain along the text', y: 'nats gained per token', plain: true, x: { label: 'token', log: false, tics: tics }, panels: [{ name: '' }],
			series: data.names.slice(1).map(function (name, k) { return { name: name, look: [2, 3, 4, 5, 6][k % 5], dash: 4 }; }), points: points
		};
	}

	function summaryLine(data, sequence, k) {
		const gains = sequence.nll[0].map(function (x, i) { return x - sequence.nll[k][i]; });
		const better = gains.filter(function (g) { return g > STEPS[0]; }).length, worse = gains.filter(function (g) { return g < -STEPS[0]; }).length;
		return data.names[k] + ' against ' + data.names[0] + ', ' + gains.length + ' tokens: mean nll ' + number(mean(sequence.nll[k])) + ' against ' +
			number(mean(sequence.nll[0])) + ' nats, gain ' + number(mean(gains)) + ' per token; ' + percent(better / gains.length) +
			' of the tokens gain more than ' + STEPS[0] + ' nats, ' + percent(worse / gains.length) + ' lose more.';
	}

	function tokens(host, data) {
		const pair = choice('which memory', data.names.slice(1).map(function (n) { return n + ' against ' + data.names[0]; }));
		const which = choice('which text', data.sequences.map(function (s) { return 'text ' + s.sequence + (s.turn === null ? '' : ', turn ' + s.turn); }));
		const controls = element('div', 'controls'), told = element('p'), figure = element('figure', 'chart');
		const box = element('div', 'text-box'), text = element('div', 'tokens');
		if (data.names.length > 2) controls.appendChild(pair);
		if (data.sequences.length > 1) controls.appendChild(which);
		if (controls.firstChild) host.appendChild(controls);
		box.setAttribute('role', 'region');
		box.setAttribute('aria-label', 'tokens, coloured by gain');
		box.tabIndex = 0;
		box.appendChild(text);
		append(host, [told, figure, scale(), box]);
		let sequence, k;
		const show = growing(text, 3000, function (i) {
			const span = element('span', gainClass(sequence.nll[0][i] - sequence.nll[k][i]), sequence.text[i].replace(/\n/g, '\u23CE\n'));
			span.dataset.at = i;
			return span;
		});
		function tell() {
			sequence = data.sequences[Number(which.value)];
			k = Number(pair.value) + 1;
			told.textContent = summaryLine(data, sequence, k);
			figure.textContent = '';
			for (let i = drawn.length - 1; i >= 0; i--) if (drawn[i][1] === figure) drawn.splice(i, 1);
			figure.appendChild(element('figcaption', '', 'Mean gain along the text'));
			chart(figure, alongFigure(data, sequence));
			show(sequence.text.map(function (t, i) { return i; }));
		}
		text.addEventListener('mousemove', function (event) {
			const i = event.target.dataset ? event.target.dataset.at : undefined;
			if (i === undefined) { hideTip(); return; }
			const base = sequence.nll[0][i], own = sequence.nll[k][i];
			showTip(['token ' + (sequence.position + Number(i)) + ': ' + JSON.stringify(sequence.text[i]),
				data.names[0] + ' ' + number(base) + ', ' + data.names[k] + ' ' + number(own) + ' nats', 'gain ' + number(base - own)], event.clientX, event.clientY);
		});
		text.addEventListener('mouseleave', hideTip);
		pair.addEventListener('change', tell);
		which.addEventListener('change', tell);
		tell();
	}

	/* --- the page --- */

	const figures = dataOf('figures') || [], tokenData = dataOf('tokens-data'), sampleData = dataOf('samples-data');

	document.querySelectorAll('figure[data-figure]').forEach(function (host) { chart(host, figures[Number(host.dataset.figure)]); });
	if (tokenData) tokens(byId('tokens-view'), tokenData);
	if (sampleData) samples(byId('samples-view'), sampleData);

	let width = window.innerWidth, timer = 0;
	window.addEventListener('resize', function () {
		if (window.innerWidth === width) return;
		width = window.innerWidth;
		clearTimeout(timer);
		timer = setTimeout(redraw, 150);
	});
	window.addEventListener('scroll', hideTip, { passive: true });
	window.addEventListener('beforeprint', function () {
		document.querySelectorAll('#claims details, #results details:not(.values), #comparisons details').forEach(function (d) { d.open = true; });
	});
	document.documentElement.dataset.ready = 'yes';
}());
