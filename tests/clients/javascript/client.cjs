// A user of the site by @mattermost/client (../talking.py): prints what it did, posts each line that it reads, prints what the websocket brings.
'use strict';
const crypto = require('node:crypto');
const dns = require('node:dns');
const {createInterface} = require('node:readline');

const site = JSON.parse(process.env.SITE);
const lookup = dns.lookup;
dns.lookup = (host, ...more) => lookup(host === site.name ? site.address : host, ...more);
global.WebSocket = require('ws');
console.log = console.error; // what the client itself says
const say = (line) => process.stdout.write(`${line}\n`);

const {Client4, WebSocketClient} = require('@mattermost/client');

async function main() {
    const client = new Client4();
    client.setUrl(`https://${site.name}`);
    const user = await client.login(site.login, site.password);
    say(`signed in ${user.username}`);
    const name = `javascript-${crypto.randomBytes(4).toString('hex')}`;
    const team = await client.createTeam({name, display_name: name, type: 'O'});
    const channel = await client.createChannel({team_id: team.id, name, display_name: name, type: 'P'});

    const data = crypto.randomBytes(100000);
    const form = new FormData();
    form.append('channel_id', channel.id);
    form.append('files', new Blob([data]), 'random.bin');
    const uploaded = await client.uploadFile(form);
    const file_ids = [uploaded.file_infos[0].id];
    const post = await client.createPost({channel_id: channel.id, message: 'with a file', file_ids});
    const read = await client.getPost(post.id);
    const answer = await fetch(client.getFileUrl(read.file_ids[0]), client.getOptions({method: 'get'}));
    say(data.equals(Buffer.from(await answer.arrayBuffer())) ? 'file is the same' : `file differs: HTTP ${answer.status}`);

    const socket = new WebSocketClient({minWebSocketRetryTime: 500, reconnectJitterRange: 200, maxWebSocketFails: 1000});
    socket.addMissedMessageListener(() => {}); // without one it does not begin to count again after a restart of the server
    socket.addMessageListener((message) => {
        if (message.event === 'hello') {
            say('hello');
        } else if (message.event === 'posted') {
            say(`event ${JSON.parse(message.data.post).message}`);
        }
    });
    socket.initialize(client.getWebSocketUrl(), client.getToken());
    for await (const line of createInterface({input: process.stdin})) {
        await client.createPost({channel_id: channel.id, message: line});
        say(`posted ${line}`);
    }
    process.exit(0);
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
