"""OpenMM's CUDA platform against its reference platform: charged particles with bonds and a cutoff. SPDX-License-Identifier: Apache-2.0"""
import numpy as np
import openmm as mm

SIDE, EDGE, STEPS = 6, 4.0, 100  # particles, nm, steps of 1 fs
rng = np.random.default_rng(1)
system, bonds, forces = mm.System(), mm.HarmonicBondForce(), mm.NonbondedForce()
system.setDefaultPeriodicBoxVectors((EDGE, 0, 0), (0, EDGE, 0), (0, 0, EDGE))
forces.setNonbondedMethod(mm.NonbondedForce.CutoffPeriodic)
forces.setCutoffDistance(1.0)
positions = []
for cell in np.ndindex(SIDE, SIDE, SIDE):
    system.addParticle(39.9)
    forces.addParticle(0.2 if sum(cell) % 2 else -0.2, 0.34, 0.99)
    positions.append((np.array(cell) + 0.5) * EDGE / SIDE + rng.normal(0, 0.01, 3))
for i in range(0, SIDE**3, 2):
    bonds.addBond(i, i + 1, EDGE / SIDE, 100.0)
system.addForce(forces)
system.addForce(bonds)


def run(platform):
    """Energy and forces at the start, positions at the end."""
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName(platform))
    context.setPositions(positions)
    start = context.getState(getEnergy=True, getForces=True)
    context.getIntegrator().step(STEPS)
    return start.getPotentialEnergy()._value, np.array(start.getForces(asNumpy=True)), np.array(context.getState(getPositions=True).getPositions(asNumpy=True))


energy, force, end = run("Reference")
energy_here, force_here, end_here = run("CUDA")
assert abs(energy - energy_here) < 1e-5 * abs(energy)
assert abs(force - force_here).max() < 1e-4 * abs(force).max()
assert abs(end - end_here).max() < 1e-4
