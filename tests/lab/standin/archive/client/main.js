// The parts of the page are called as in the real web client: tests/browser looks for those.
const base = (window.publicPath || '/static/').replace(/static\/$/, '');
const [part, api] = [(id) => document.getElementById(id), `${base}api/v4/`];
const call = async (path, method, body) => {
    const answer = await fetch(api + path, {method, body: body instanceof FormData ? body : JSON.stringify(body)});
    return answer.ok ? answer.json() : Promise.reject(new Error(`${path}: ${answer.status}`));
};

call('config/client?format=old').then((config) => { part('version').textContent = config.BuildNumber; });

part('login').onsubmit = async (event) => {
    event.preventDefault();
    await call('users/login', 'POST', {login_id: part('input_loginId').value, password: part('input_password-input').value});
    part('login').remove();
};

const show = (post) => {
    const line = document.createElement('li');
    line.append(post.message);
    for (const id of post.file_ids || []) {
        const link = Object.assign(document.createElement('a'), {href: `${api}files/${id}?download=1`, textContent: ' Download'});
        line.append(link);
    }
    part('messages').append(line);
};

const open = async (team, name) => {
    const channel = await call(`teams/name/${team}/channels/name/${name}`);
    part('login').remove();
    part('channel').hidden = false;
    let files = [];
    new WebSocket(`${location.origin.replace('http', 'ws')}${api}websocket`).onmessage = (message) => {
        const {event, data} = JSON.parse(message.data);
        if (event === 'posted') {
            show(JSON.parse(data.post));
        }
    };
    part('fileUploadInput').onchange = async () => {
        const form = new FormData();
        form.append('channel_id', channel.id);
        form.append('files', part('fileUploadInput').files[0]);
        files = (await call('files', 'POST', form)).file_infos.map((file) => file.id);
    };
    part('post_textbox').onkeydown = async (event) => {
        if (event.key === 'Enter') {
            event.preventDefault();
            await call('posts', 'POST', {channel_id: channel.id, message: part('post_textbox').value, file_ids: files});
            [part('post_textbox').value, files] = ['', []];
        }
    };
};

const [team, kind, name] = location.pathname.slice(base.length).split('/');
if (kind === 'channels') {
    open(team, name);
}
