// A back end as Node people write it: it routes by the WHATWG URL and decodes
// each segment. It says what it received, prints its port, and ends with its
// standard input.
'use strict';
const http = require('node:http');
const routes = [['GET /orders'], ['GET /orders/archive'], ['GET /orders/{id}', 'id'], ['GET /orders/{id}/items/{item}', 'id', 'item'], ['GET /files/{name}', 'name']];
const patterns = routes.map(([route]) => route.split(' ')[1].split('/').map((s) => (s.startsWith('{') ? null : s)));
let count = 0;

function find(method, segments) {
  for (let i = 0; i < routes.length; i++) {
    const p = patterns[i];
    if (routes[i][0].split(' ')[0] !== method || p.length !== segments.length) continue;
    if (p.every((s, k) => s === null ? segments[k] !== '' : s === segments[k])) {
      return [routes[i][0], segments.filter((_, k) => p[k] === null)];
    }
  }
  return ['', []];
}

const server = http.createServer((req, res) => {
  let segments = [];
  try {
    segments = new URL('http://x' + req.url).pathname.split('/').map(decodeURIComponent);
  } catch { /* no route */ }
  const [op, values] = find(req.method, segments);
  const fields = [];
  for (let i = 0; i < req.rawHeaders.length; i += 2) fields.push([req.rawHeaders[i], req.rawHeaders[i + 1]]);
  count++;
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ op, values, line: `${req.method} ${req.url} HTTP/${req.httpVersion}`, fields, count }));
});
server.keepAliveTimeout = 60000;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
setTimeout(() => process.exit(0), 120000).unref();
