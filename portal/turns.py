"""Whose turn it is: what waits for a client is asked of the person who can do it, and of nobody else."""

import json

from django.conf import settings

from .rights import rows


def signing(body, deeds) -> tuple[list, dict]:
    """Return who signs a contract, each with their signature, and whoever signs next; nobody when all have signed."""
    signed = {deed["contact_id"]: deed for deed in deeds if deed["verb"] == "signed"}
    signers = [{**signer, "signed": signed.get(signer.get("contact_id"))} for signer in body.get("signers") or []]
    unsigned = [signer for signer in signers if not signer["signed"]]
    return signers, unsigned[0] if unsigned and not body.get("countersigned") else {}


def parts(cursor) -> dict:
    """Return the part that whoever looks has in each offer, and who decides on it, by the offer's number."""
    found = {part["publication_id"]: part for part in rows(cursor, "portal_parts")}
    for part in found.values():
        part["deciders"] = json.loads(part["deciders"])
    return found


def of_contract(need, contract, standing, guest) -> dict:
    """Say what a contract that waits for the client asks of whoever looks, or whom it waits for."""
    if any(deed["verb"] == "declined" for deed in standing["deeds"]):
        return {"next": "We read why it is not signed", "who": ""}
    signers, turn = signing(contract.body, standing["deeds"])
    if not turn:
        return {"next": f"{settings.AGENCY_NAME} signs the contract, too", "who": ""}
    if guest["preview"] or turn.get("contact_id") == guest["contact_id"]:
        return {"asks": True, "next": need["what"], "who": "You"}
    mine = next((one for one in signers if one.get("contact_id") == guest["contact_id"]), None)
    name = turn.get("name") or "Somebody else"
    said = {"next": f"{name} signs the contract", "who": ""}
    if mine and mine["signed"]:
        said["waits"] = f"You have signed the contract. {name} signs next."
    elif mine:
        said["waits"] = f"We wait for {name} first, then you sign the contract. You get a mail when it is your turn."
    return said


def of_proposal(need, proposal, part, guest) -> dict:
    """Say what an offer that waits for the client asks of whoever looks: whoever only reads it is asked nothing."""
    if any(deed["verb"] in ("accepted", "declined") for deed in proposal.answers):
        return {"next": "We read your answer", "who": ""}
    if guest["preview"] or part.get("role") == "decides":
        return {"asks": True, "next": need["what"], "who": "You"}
    who = in_a_row(part.get("deciders") or []) or "Whoever decides"
    return {"next": f"{who} answers our proposal", "who": ""}


def in_a_row(names) -> str:
    """Return who decides: one of several is enough."""
    *before, last = names or [""]
    return f"{', '.join(before)} or {last}" if before else last
