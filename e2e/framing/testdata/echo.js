// Says on X-Saw what this back end understood: its count, method, target,
// length and CRC of the body.
'use strict';
const http = require('http');
const table = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
let count = 0;
const server = http.createServer({ keepAliveTimeout: 600000, requestTimeout: 0 }, (req, res) => {
  let length = 0, crc = 0xffffffff;
  req.on('data', (part) => {
    length += part.length;
    for (const b of part) crc = (crc >>> 8) ^ table[(crc ^ b) & 0xff];
  });
  req.on('end', () => {
    count++;
    const sum = ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
    res.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 11,
      'X-Saw': `${count} ${req.method} ${req.url} ${length} ${sum}` });
    res.end('{"ok":true}');
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
