"""The carrier's REST stand-in, driven by Twilio's own SDK."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from testbed.vendors.faults import Fault
from testbed.vendors.twilio_rest import Call, TwilioRestSim

ACCOUNT = "AC" + "0" * 32


@asynccontextmanager
async def client(sim: TwilioRestSim, token: str = "secret") -> AsyncIterator[Client]:
    async with AsyncTwilioHttpClient() as http:
        made = Client(ACCOUNT, token, http_client=http)
        made.api.base_url = sim.url
        yield made


async def test_the_bot_hangs_up_and_the_carrier_learns_of_it() -> None:
    ended: asyncio.Queue[Call] = asyncio.Queue()
    async with TwilioRestSim(auth_token="secret", on_update=ended.put) as sim, client(sim) as twilio:
        sid = sim.ring().sid
        call = await twilio.calls(sid).update_async(status="completed")
        assert call.status == "completed"
        assert (await ended.get()).sid == sid
        with pytest.raises(TwilioRestException) as gone:
            await twilio.calls(sid).update_async(status="completed")
        assert (gone.value.status, gone.value.code) == (404, 20404)
        with pytest.raises(TwilioRestException) as late:
            await twilio.calls(sid).update_async(twiml="<Response/>")
        assert late.value.code == 21220


async def test_a_transfer_replaces_the_twiml() -> None:
    async with TwilioRestSim() as sim, client(sim) as twilio:
        sid = sim.ring().sid
        twiml = "<Response><Dial><Number>+15550100</Number></Dial></Response>"
        await twilio.calls(sid).update_async(twiml=twiml)
        assert sim.calls[sid].twiml == twiml
        assert (await twilio.calls(sid).fetch_async()).status == "in-progress"
        assert sim.records[0].form == {"Twiml": [twiml]}


async def test_a_call_is_placed() -> None:
    placed: asyncio.Queue[Call] = asyncio.Queue()
    async with TwilioRestSim(on_create=placed.put) as sim, client(sim) as twilio:
        call = await twilio.calls.create_async(
            to="+15550100", from_="+15550101", url="https://h/x", status_callback_event=["ringing", "answered"]
        )
        assert call.status == "queued"
        got = await placed.get()
        assert (got.to, got.from_, got.url) == ("+15550100", "+15550101", "https://h/x")
        assert got.form["StatusCallbackEvent"] == ["ringing", "answered"]
        with pytest.raises(TwilioRestException) as refused:
            await twilio.calls.create_async(to="+15550100", from_="+15550101")
        assert refused.value.code == 21205


async def test_a_wrong_token_an_unknown_call_and_a_bad_day() -> None:
    async with TwilioRestSim(auth_token="secret") as sim:
        async with client(sim, "wrong") as twilio:
            with pytest.raises(TwilioRestException) as refused:
                await twilio.calls("CA1").fetch_async()
            assert (refused.value.status, refused.value.code) == (401, 20003)
        async with client(sim) as twilio:
            with pytest.raises(TwilioRestException) as refused:
                await twilio.calls("CA1").update_async(status="completed")
            assert refused.value.code == 20404
            sim.ring("CA1")
            sim.faults.add(Fault("refuse", status=503, times=1))
            with pytest.raises(TwilioRestException) as refused:
                await twilio.calls("CA1").update_async(status="completed")
            assert refused.value.status == 503
            assert (await twilio.calls("CA1").update_async(status="completed")).status == "completed"
